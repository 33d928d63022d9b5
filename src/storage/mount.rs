//! Which file system a file lies on, as `/proc/self/mountinfo` tells.
//!
//! It matters twice: reading without the lock is right only where the writer runs on the same kernel, and the
//! files of the kernel's own file systems are no data at all.

use std::path::Path;

/// Those that another machine, or another kernel on this one, may write to.
const SHARED: [&str; 24] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "panfs",
    "prl_fs",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
    "vmhgfs",
    "wekafs",
];

/// Those that hold no files of anybody.
const VIRTUAL: [&str; 18] = [
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "mqueue",
    "proc",
    "pstore",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// A file system by the name of its type: `ext4`, `nfs4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    name: String,
}

impl FileSystem {
    /// The file system of a file or directory; `None` where the system does not tell.
    #[cfg(target_os = "linux")]
    pub fn of(path: &Path) -> Option<FileSystem> {
        use super::lock::major_and_minor;
        let (device, _) = super::FileId::of(&std::fs::metadata(path).ok()?).device_and_inode();
        let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        table.lines().find_map(|line| mount(line, major_and_minor(device)))
    }

    /// The file system of a file or directory; this system does not tell.
    #[cfg(not(target_os = "linux"))]
    pub fn of(_: &Path) -> Option<FileSystem> {
        None
    }

    /// The name of its type.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether another kernel may write to its files, so that what is read here may not be what was written there.
    pub fn is_shared(&self) -> bool {
        // Overlays in user space lie on this machine's own disks, as containers without root have them.
        let by_program = self.name.strip_prefix("fuse.").is_some_and(|program| program != "fuse-overlayfs");
        by_program || SHARED.contains(&self.name.as_str())
    }

    /// Whether its files are the kernel's own, made up when they are read.
    pub fn is_virtual(&self) -> bool {
        VIRTUAL.contains(&self.name.as_str())
    }
}

/// A line such as `36 35 98:0 /root /mnt rw,noatime master:1 - ext4 /dev/sda1 rw`: after the mount's options
/// any number of fields, a dash, and then the type.
#[cfg(target_os = "linux")]
fn mount(line: &str, device: (u64, u64)) -> Option<FileSystem> {
    let mut words = line.split(' ');
    let (major, minor) = words.nth(2)?.split_once(':')?;
    if (major.parse(), minor.parse()) != (Ok(device.0), Ok(device.1)) {
        return None;
    }
    let name = words.skip(3).skip_while(|word| *word != "-").nth(1)?;
    Some(FileSystem { name: name.into() })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_mount_table_names_the_type_of_its_device_only() {
        let line = r"36 35 98:17 /a-b /mnt/with\040space rw,noatime shared:1 master:2 - nfs4 server:/export rw,vers=4.2";
        assert_eq!(mount(line, (98, 17)).unwrap().name(), "nfs4");
        assert_eq!(mount(line, (98, 16)), None);
        assert_eq!(mount("27 1 254:0 / / rw - ext4 /dev/vda rw", (254, 0)).unwrap().name(), "ext4");
        assert_eq!(mount("", (0, 0)), None);
        assert_eq!(mount("27 1 254:0 / / rw", (254, 0)), None);
    }

    #[test]
    fn shared_and_virtual_file_systems_are_told_from_local_ones() {
        let named = |name: &str| FileSystem { name: name.into() };
        for shared in ["nfs", "nfs4", "9p", "virtiofs", "cifs", "smb3", "fuse", "fuse.sshfs", "vboxsf"] {
            assert!(named(shared).is_shared(), "{shared}");
        }
        for local in ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "fuseblk", "fuse.fuse-overlayfs", "proc"] {
            assert!(!named(local).is_shared(), "{local}");
        }
        assert!(named("proc").is_virtual() && named("tracefs").is_virtual());
        assert!(!named("tmpfs").is_virtual() && !named("ext4").is_virtual());
    }

    #[test]
    fn the_process_file_system_is_told_as_what_it_is() {
        assert_eq!(FileSystem::of(Path::new("/proc/self")).unwrap().name(), "proc");
        assert_eq!(FileSystem::of(Path::new("/no/such/file")), None);
    }
}
