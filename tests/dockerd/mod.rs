//! A host of its own for a real dockerd: everything that it writes is in namespaces of its own, its data root in a folder
//! of the test's. It starts and stops as it is told, and nothing of it outlives the test.
#![allow(dead_code)]

pub mod inspect;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::go::Beside;

/// Runs each line of standard input as a command. What it prints is set in by a blank; a line with its status follows.
const SHELL: &str = r#"
set -u
folder=$1
hostname demo
for place in /run /etc/docker /var/lib/docker /var/lib/containerd; do
    mkdir -p "$place"
    mount -t tmpfs demo "$place"
done
ip link set lo up
ip link add uplink0 type veth peer name uplink1
ip link set uplink0 up
ip link set uplink1 up
start() {
    dockerd --iptables=false --ip6tables=false --storage-driver=vfs --userland-proxy=false \
        --exec-opt native.cgroupdriver=cgroupfs --data-root "$folder/root" >"$folder/dockerd.log" 2>&1 &
    daemon=$!
    until docker version >/dev/null 2>&1; do
        kill -0 "$daemon" || return 1
        sleep 0.1
    done
}
stop() {
    kill -TERM "$daemon"
    wait "$daemon"
}
# All processes of this namespace end at once, and with them everything that was not on a disk.
cut_power() {
    kill -KILL -1
    wait "$daemon"
    umount /run/docker/netns/*
    rm -rf /run/docker /run/docker.pid /run/containerd
    return 0
}
# The image box has busybox and nothing else.
image() {
    mkdir -p /run/image/bin
    cp /bin/busybox /run/image/bin/busybox
    ln /run/image/bin/busybox /run/image/bin/sh
    tar -C /run/image -c . | docker import - box
}
# A container that waits for its end.
box() {
    docker run -d "$@" box sh -c 'trap exit TERM; while :; do sleep 1; done'
}
# The kernel takes the interfaces of a container away some time after it has ended.
up() {
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        docker start "$@" && return 0
        sleep 0.3
    done
    return 1
}
while IFS= read -r line; do
    eval "$line" >"$folder/output" 2>&1 </dev/null
    status=$?
    sed -e 's/^/ /' -e '$a\' "$folder/output"
    echo "$status"
done
"#;

/// A host, without a daemon at first.
pub struct Host {
    shell: Beside,
    folder: PathBuf,
}

impl Host {
    /// A host with its data in a folder, on what an earlier one has left there; `None`, said aloud, where something
    /// that it takes is not there.
    pub fn new(folder: &Path) -> Option<Host> {
        if let Some(missing) = missing() {
            eprintln!("skipped: no {missing}");
            return None;
        }
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]);
        unshare.args(["sh", "-c", SHELL, "host"]).arg(folder);
        Some(Host { shell: Beside::start(&mut unshare), folder: folder.into() })
    }

    /// The same with its daemon started.
    pub fn started(folder: &Path) -> Option<Host> {
        let mut host = Host::new(folder)?;
        host.start();
        Some(host)
    }

    /// Starts the daemon.
    pub fn start(&mut self) {
        self.run("start");
    }

    /// Stops the daemon, and gives what it had to say since it started.
    pub fn stop(&mut self) -> String {
        self.run("stop");
        let log = log(&self.folder);
        assert!(log.lines().count() > 10, "is this the daemon's log?\n{log}");
        log
    }

    /// What a command prints. It must succeed.
    pub fn run(&mut self, command: &str) -> String {
        self.attempt(command).unwrap_or_else(|said| panic!("{command}: {said}\n{}", self.end_of_log()))
    }

    /// What a command prints, as an error where it fails.
    pub fn attempt(&mut self, command: &str) -> Result<String, String> {
        use std::io::Write;
        writeln!(self.shell.input(), "{command}").unwrap();
        let mut said = String::new();
        loop {
            let line = self.shell.line().unwrap_or_else(|| panic!("{command}: the shell ended\n{}", self.end_of_log()));
            match line.strip_prefix(' ') {
                Some(line) => said += &format!("{line}\n"),
                // An empty line has lost its blank.
                None if line.is_empty() => said.push('\n'),
                None if line == "0" => return Ok(said),
                None => return Err(said),
            }
        }
    }

    fn end_of_log(&self) -> String {
        let log = log(&self.folder);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// The data root of the daemon of a folder.
pub fn root(folder: &Path) -> PathBuf {
    folder.join("root")
}

/// Where it keeps its networks.
pub fn database(folder: &Path) -> PathBuf {
    root(folder).join("network/files/local-kv.db")
}

/// What the daemon of a folder has said since it started.
pub fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("dockerd.log")).unwrap_or_default()
}

/// What a daemon says of its store that is not good news.
pub fn complaints(log: &str) -> Vec<&str> {
    let bad = |line: &str| ["level=warning", "level=error", "level=fatal"].iter().any(|level| line.contains(level));
    let of_the_store = |line: &str| {
        let line = line.to_lowercase();
        ["bolt", "store", "libnetwork", "local-kv"].iter().any(|word| line.contains(word))
    };
    log.lines().filter(|line| line.contains("panic") || bad(line) && of_the_store(line)).collect()
}

/// What it takes to run the daemon and containers, if it is not there.
fn missing() -> Option<&'static str> {
    let runs = |program: &str, argument: &str| {
        Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let needed = [("dockerd", "--version"), ("docker", "--version"), ("containerd", "--version"), ("ip", "-V")];
    if let Some((program, _)) = needed.into_iter().find(|(program, argument)| !runs(program, argument)) {
        return Some(program);
    }
    if !Path::new("/bin/busybox").exists() {
        return Some("busybox");
    }
    let mut unshare = Command::new("unshare");
    let may = unshare.args(["--mount", "--net", "--pid", "--fork", "true"]).stderr(Stdio::null()).status();
    (!may.is_ok_and(|status| status.success())).then_some("right to make namespaces")
}
