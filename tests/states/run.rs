//! Runs of workloads until enough distinct states were judged, on all processors.

use std::collections::HashSet;
use std::fmt;
use std::sync::Mutex;
use std::thread;

use super::enumerate::{Depth, Epochs, State, states};
use super::oracle::{Judge, Verdict};
use super::record::Recorder;
use super::workload::{Workload, workloads};

/// Looks at the bytes of a state in another way, and says what it found.
pub type Peer<'p> = &'p (dyn Fn(&[u8]) -> Result<(), String> + Sync);

/// How many states there are to be, and how they are looked at.
pub struct Plan<'p> {
    pub states: usize,
    pub depth: Depth,
    /// The seed of the first round of each workload.
    pub seed: u64,
    /// After one of so many states there is a second crash.
    pub again_every: usize,
    /// One of so many states is looked at by the peer too.
    pub peer_every: usize,
    pub peer: Option<Peer<'p>>,
}

/// What a workload came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    rounds: u64,
    pub states: usize,
    pub before: usize,
    pub after: usize,
    pub nothing: usize,
    pub again: usize,
    pub peer: usize,
    pub epochs: Epochs,
    /// It has no further states.
    ended: bool,
}

/// A state that is wrong: what it is called, and what is wrong with it.
#[derive(Debug)]
pub struct Wrong {
    pub name: String,
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\nagain: CRASH='{}' cargo test --test crash every_crash", self.name, self.what, self.name)
    }
}

struct Shared {
    counts: Mutex<Vec<Count>>,
    seen: Mutex<HashSet<u64>>,
    wrong: Mutex<Option<Wrong>>,
}

/// Runs all workloads, each until it has its share, and gives back what each came to.
pub fn run(plan: &Plan<'_>) -> Result<Vec<(&'static str, Count)>, Wrong> {
    let workloads = workloads();
    // There is not much to a creation, and not all of the others need as many.
    let full = workloads.iter().filter(|workload| workload.part() == 1).count() - 1;
    let share = |at: usize| plan.states.div_ceil(full) / workloads[at].part();
    let shared =
        Shared { counts: Mutex::new(vec![Count::default(); workloads.len()]), seen: Mutex::default(), wrong: Mutex::default() };
    let next = || {
        let mut counts = shared.counts.lock().unwrap();
        let least = (0..counts.len()).filter(|at| !counts[*at].ended && counts[*at].states < share(*at));
        let at = least.min_by_key(|at| counts[*at].states * workloads[*at].part())?;
        counts[at].rounds += 1;
        Some((at, plan.seed + counts[at].rounds - 1))
    };
    let work = || {
        while let Some((at, round)) = next().filter(|_| shared.wrong.lock().unwrap().is_none()) {
            let count = one_round(&workloads[at], round, share(at), at, plan, &shared);
            let mut counts = shared.counts.lock().unwrap();
            match count {
                Ok(count) => counts[at].add(count),
                Err(wrong) => *shared.wrong.lock().unwrap() = Some(wrong),
            }
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    let names = workloads.iter().map(|workload| workload.name);
    match shared.wrong.into_inner().unwrap() {
        Some(wrong) => Err(wrong),
        None => Ok(names.zip(shared.counts.into_inner().unwrap()).collect()),
    }
}

impl Count {
    fn add(&mut self, other: Count) {
        self.ended |= other.ended;
        self.states += other.states;
        self.before += other.before;
        self.after += other.after;
        self.nothing += other.nothing;
        self.again += other.again;
        self.peer += other.peer;
        self.epochs.all += other.epochs.all;
        self.epochs.whole += other.epochs.whole;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { states, before, after, nothing, again, peer, epochs, .. } = self;
        write!(f, "{states:8} states: {before:8} before, {after:7} after, {nothing:6} nothing yet; ")?;
        write!(f, "{:6} epochs, {:6} whole; {again:6} second crashes; {peer:5} by Go", epochs.all, epochs.whole)
    }
}

fn one_round(
    workload: &Workload,
    round: u64,
    share: usize,
    at: usize,
    plan: &Plan<'_>,
    shared: &Shared,
) -> Result<Count, Wrong> {
    let name = |state: &str| format!("{}/{round}/{state}", workload.name);
    let trace = workload.record(round, Recorder::new(None)).map_err(|what| Wrong { name: name(""), what })?;
    let (judge, mut count, mut wrong) = (Judge::new(workload, &trace), Count::default(), None);
    let before = shared.counts.lock().unwrap()[at].states;
    let left = share.saturating_sub(before);
    let mut fresh = |hash| shared.seen.lock().unwrap().insert(hash);
    count.epochs = states(&trace.start, &trace.ops, workload.page_size as usize, plan.depth, &mut fresh, &mut |state| {
        // That is looked at once, in the workload that does nothing else.
        if state.mark == 0 && workload.is_made_as_any_other() {
            return true;
        }
        wrong = count.look(&judge, state, plan, shared, before).err().map(|(inner, what)| {
            let inner = if inner.is_empty() { inner } else { format!("/{inner}") };
            Wrong { name: name(&state.name) + &inner, what }
        });
        wrong.is_none() && count.states < left
    });
    count.ended = count.states == 0;
    wrong.map_or(Ok(count), Err)
}

impl Count {
    /// Looks at a state of a round before which there were so many.
    fn look(
        &mut self,
        judge: &Judge<'_>,
        state: &State<'_>,
        plan: &Plan<'_>,
        shared: &Shared,
        before: usize,
    ) -> Result<(), (String, String)> {
        let here = |what: String| (String::new(), what);
        match judge.judge(state).map_err(here)? {
            Verdict::Before => self.before += 1,
            Verdict::After => self.after += 1,
            Verdict::Nothing => self.nothing += 1,
        }
        self.states += 1;
        if state.mark == 0 {
            return Ok(());
        }
        let number = before + self.states;
        if number.is_multiple_of(plan.again_every) {
            let mut fresh = |hash: u64| shared.seen.lock().unwrap().insert(!hash);
            self.again += judge.crash_again(state.world, None, &mut fresh)?;
        }
        if let Some(peer) = plan.peer.filter(|_| number.is_multiple_of(plan.peer_every))
            && let Some(file) = state.world.file(judge.workload.path)
        {
            self.peer += 1;
            peer(file.seen()).map_err(|what| here(format!("Go: {what}")))?;
        }
        Ok(())
    }
}

/// Judges one state by its name, `WORKLOAD/ROUND/STATE` or, of a second crash, `WORKLOAD/ROUND/STATE/STATE`.
pub fn replay(name: &str, depth: Depth) -> Result<Verdict, String> {
    let mut parts = name.split('/');
    let (workload, round, state, inner) = (parts.next(), parts.next(), parts.next(), parts.next());
    let workloads = workloads();
    let workload = workloads.iter().find(|one| Some(one.name) == workload).ok_or("there is no such workload")?;
    let round = round.and_then(|round| round.parse().ok()).ok_or("the round is a number")?;
    let trace = workload.record(round, Recorder::new(None))?;
    let judge = Judge::new(workload, &trace);
    let mut found = Err("there is no such state".to_owned());
    states(&trace.start, &trace.ops, workload.page_size as usize, depth, &mut |_| true, &mut |one| {
        if Some(one.name.as_str()) != state {
            return true;
        }
        found = judge.judge(one);
        if let (Ok(_), Some(inner)) = (&found, inner)
            && let Err((_, what)) = judge.crash_again(one.world, Some(inner), &mut |_| true)
        {
            found = Err(what);
        }
        false
    });
    found
}

/// After one of so many states there is a second crash where a defect is looked for.
const AGAIN: usize = 4;

/// How many states were judged until the first was found wrong, and what was wrong.
pub fn until_wrong(
    workload: &Workload,
    rounds: std::ops::Range<u64>,
    recorder: &dyn Fn() -> Recorder,
    depth: Depth,
) -> (usize, Option<String>) {
    let (mut count, mut found, mut seen) = (0_usize, None, HashSet::new());
    for round in rounds {
        match workload.record(round, recorder()) {
            Err(what) => found = Some(format!("{}/{round}: {what}", workload.name)),
            Ok(trace) => {
                let judge = Judge::new(workload, &trace);
                let page_size = workload.page_size as usize;
                states(&trace.start, &trace.ops, page_size, depth, &mut |hash| seen.insert(hash), &mut |state| {
                    count += 1;
                    let again = || match state.mark > 0 && count.is_multiple_of(AGAIN) {
                        true => judge.crash_again(state.world, None, &mut |_| true).map(drop).map_err(|(_, what)| what),
                        false => Ok(()),
                    };
                    let looked = judge.judge(state).map(drop).and_then(|()| again());
                    found = looked.err().map(|what| format!("{}/{round}/{}: {what}", workload.name, state.name));
                    found.is_none()
                });
            }
        }
        if found.is_some() {
            break;
        }
    }
    (count, found)
}
