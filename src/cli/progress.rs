//! Owns the progress bar: on standard error, where that is a terminal and nobody asked for quiet, once a command has
//! taken half a second. It shows a count that others keep; nothing waits for it, and nothing depends on it.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A command that is done by then shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);
const REDRAWN: Duration = Duration::from_millis(100);

/// What a bar shows.
#[derive(Debug, Clone)]
pub struct Course {
    /// What is done, in front of the bar.
    pub what: String,
    /// How much of it is done.
    pub count: Arc<AtomicU64>,
    /// How much there is, where that is known.
    pub end: Option<u64>,
    /// What is counted.
    pub unit: &'static str,
}

/// A stream whose bytes are counted as they are read.
#[derive(Debug)]
pub struct Counted<R> {
    stream: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub fn new(stream: R, count: &Arc<AtomicU64>) -> Counted<R> {
        Counted { stream, count: Arc::clone(count) }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A bar that is drawn by a thread of its own and gone once this is dropped.
#[derive(Debug)]
pub struct Progress {
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Follows a count, where it is wanted at all.
    pub fn follow(wanted: bool, course: impl FnOnce() -> Course) -> Progress {
        if !wanted {
            return Progress { thread: None };
        }
        let (stop, stopped) = channel();
        let course = course();
        // A command goes on where there is no thread to be had.
        let thread = Builder::new().spawn(move || draw(&course, &stopped)).ok();
        Progress { thread: thread.map(|thread| (stop, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

fn draw(course: &Course, stopped: &Receiver<()>) {
    if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let bar = ProgressBar::with_draw_target(course.end, ProgressDrawTarget::stderr()).with_style(style(course));
    bar.set_message(course.what.clone());
    loop {
        let count = course.count.load(Ordering::Relaxed);
        bar.set_position(course.end.map_or(count, |end| count.min(end)));
        if stopped.recv_timeout(REDRAWN) != Err(RecvTimeoutError::Timeout) {
            return bar.finish_and_clear();
        }
    }
}

fn style(course: &Course) -> ProgressStyle {
    let template = match course.end {
        Some(_) => format!("{{msg}} [{{bar:30}}] {{percent}} % of {{human_len}} {}, {{eta}} left", course.unit),
        None => format!("{{spinner}} {{msg}}: {{human_pos}} {}", course.unit),
    };
    let fallback = || match course.end {
        Some(_) => ProgressStyle::default_bar(),
        None => ProgressStyle::default_spinner(),
    };
    ProgressStyle::with_template(&template).map_or_else(|_| fallback(), |style| style.progress_chars("=> "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        Course { what: "a.db".into(), count: Arc::default(), end: Some(7), unit: "pages" }
    }

    #[test]
    fn a_bar_ends_with_its_command_however_short_that_is() {
        let count = Arc::new(AtomicU64::new(3));
        drop(Progress::follow(true, || Course { count: Arc::clone(&count), ..course() }));
        assert_eq!(Arc::strong_count(&count), 1, "the thread is gone");
    }

    #[test]
    fn nobody_asks_for_a_course_that_nobody_wants_to_see() {
        drop(Progress::follow(false, || panic!("asked")));
    }

    #[test]
    fn both_templates_can_be_drawn() {
        for end in [Some(7), None] {
            let course = Course { end, ..course() };
            let hidden = ProgressBar::with_draw_target(course.end, ProgressDrawTarget::hidden()).with_style(style(&course));
            hidden.set_position(3);
            hidden.finish_and_clear();
        }
    }
}
