//! File systems of a test's own, where the machine lets it have them: on loop devices, and in memory.
#![allow(dead_code, reason = "each test file uses its part")]

use std::cell::Cell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A file system on an image file; it goes with this.
pub struct Loop {
    folder: TempDir,
    kind: &'static str,
    /// The number of the image. After each restart it is another one.
    image: Cell<u32>,
}

/// Says why there can be no such file system here.
pub fn missing(kind: &str) -> Option<String> {
    let owner = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !owner.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        return Some("not root".into());
    }
    if kind != "tmpfs" && !Path::new("/dev/loop-control").exists() {
        return Some("no loop devices".into());
    }
    let tools =
        if kind == "tmpfs" { vec!["mount".into()] } else { vec!["mount".into(), "perl".into(), format!("mkfs.{kind}")] };
    let there = |tool: &String| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).chain(["/usr/sbin".into(), "/sbin".into()]).any(|folder| folder.join(tool).exists())
    };
    tools.into_iter().find(|tool| !there(tool)).map(|tool| format!("no {tool}"))
}

fn run(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Loop {
    /// Makes and mounts one; says that it is skipped where the machine does not allow it.
    pub fn new(kind: &'static str) -> Option<Loop> {
        let made = match missing(kind) {
            Some(why) => Err(why),
            None => Loop::make(kind, Path::new(env!("CARGO_TARGET_TMPDIR")), 320 << 20),
        };
        made.inspect_err(|why| eprintln!("skipped: {kind}: {why}")).ok()
    }

    /// The same with its image in this folder.
    pub fn make(kind: &'static str, folder: &Path, bytes: u64) -> Result<Loop, String> {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let made = Loop { folder, kind, image: Cell::new(0) };
        File::create(made.image()).and_then(|image| image.set_len(bytes)).unwrap();
        fs::create_dir(made.path()).unwrap();
        let mut make = Command::new(format!("mkfs.{kind}"));
        make.arg("-q");
        if kind == "ext4" {
            make.args(["-J", "size=4"]);
        }
        if !run(make.arg(made.image())) {
            return Err(format!("mkfs.{kind} fails"));
        }
        if made.mount() { Ok(made) } else { Err("it cannot be mounted".into()) }
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join(format!("image {}", self.image.get()))
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn mount(&self) -> bool {
        let options = if self.kind == "xfs" { "loop,nouuid" } else { "loop" };
        run(Command::new("mount").args(["-t", self.kind, "-o", options]).arg(self.image()).arg(self.path()))
    }

    /// Unmounts it and mounts what is on the device, as the next boot does.
    ///
    /// That is a copy: a process with a table of mounts of its own, such as one in a container, may keep the file system
    /// as it was before from going away.
    pub fn restart(&self) {
        self.unmount();
        let before = self.image();
        self.image.set(self.image.get() + 1);
        assert!(run(Command::new("cp").arg("--sparse=always").arg(&before).arg(self.image())), "its image cannot be copied");
        fs::remove_file(before).unwrap();
        assert!(self.mount(), "the file system is gone");
    }

    /// Waits until nobody uses it any more.
    fn unmount(&self) {
        while !run(Command::new("umount").arg(self.path())) && self.is_mounted() {
            std::thread::yield_now();
        }
    }

    fn is_mounted(&self) -> bool {
        let path = self.path();
        fs::read_to_string("/proc/mounts").unwrap().contains(&*path.to_string_lossy())
    }

    /// Drops at once everything that is not on the device, the journal included, as a power cut does.
    pub fn cut_power(&self) {
        let shutdown = "sysopen(F, $ARGV[0], 0) && ioctl(F, 0x8004587d, my $flags = pack('L', 2)) or die $!";
        assert!(run(Command::new("perl").args(["-e", shutdown]).arg(self.path())), "{} cannot be shut down", self.kind);
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.unmount();
    }
}

/// A file system in memory that has so many bytes.
pub struct Memory(TempDir);

impl Memory {
    pub fn new(bytes: u64) -> Option<Memory> {
        if let Some(why) = missing("tmpfs") {
            eprintln!("skipped: tmpfs: {why}");
            return None;
        }
        let memory = Memory(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        if memory.mount(&format!("size={bytes}")) {
            return Some(memory);
        }
        eprintln!("skipped: tmpfs cannot be mounted");
        None
    }

    fn mount(&self, options: &str) -> bool {
        run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.path()))
    }

    /// Gives it another size.
    pub fn resize(&self, bytes: u64) {
        assert!(self.mount(&format!("remount,size={bytes}")));
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(self.path()));
    }
}
