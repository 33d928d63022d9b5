//! Mending what was found: rule by rule, each on what the ones before have left, until nothing changes any more.

use super::case::Case;
use super::{Doctor, Finding, Rule, rules};
use crate::net::draft::Draft;

/// How often all rules are gone through. One mend may uncover what another rule mends, but not again and again.
const PASSES: usize = 32;

/// What came of mending.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fixed {
    /// What was mended, in the order in which it was.
    pub mended: Vec<Finding>,
    /// What is still wrong: somebody has to choose.
    pub left: Vec<Finding>,
}

impl Doctor<'_> {
    /// Mends what the rules that are wanted find, as far as nobody has to choose. Nothing else is changed.
    ///
    /// ```
    /// use unbolt::net::doctor::Doctor;
    /// use unbolt::net::Draft;
    /// use unbolt::store::{BoltStore, DOCKER_BUCKET, StoreError};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("local-kv.db");
    /// # std::fs::copy("testdata/docker/broken-orphan-docker0.db", &path)?;
    /// let store = BoltStore::open(&path, DOCKER_BUCKET)?;
    /// store.update(|store| {
    ///     let mut draft = Draft::read(store.entries("")?)?;
    ///     let fixed = Doctor::new().fix(&mut draft, |_| true);
    ///     assert_eq!((fixed.mended.len(), fixed.left.len()), (1, 0));
    ///     assert_eq!(draft.changes().len(), 1);
    ///     draft.write(store)
    /// })?;
    /// # Ok::<(), StoreError>(())
    /// # .map_err(|e| -> Box<dyn std::error::Error> { e.into() })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fix(&self, draft: &mut Draft, wanted: impl Fn(&Rule) -> bool) -> Fixed {
        let wanted: Vec<&'static Rule> = rules().filter(|rule| wanted(rule)).collect();
        let (mut inventory, mut mended) = (draft.inventory(), Vec::new());
        // What is mended may be what told the version.
        let doctor = self.target(self.case(&inventory).target);
        for _ in 0..PASSES {
            let before = mended.len();
            let mut rules = wanted.iter().peekable();
            while rules.peek().is_some() {
                // It is the case until something is mended.
                let case = doctor.case(&inventory);
                if rules.by_ref().any(|rule| doctor.mend(rule, &case, draft, &mut mended)) {
                    inventory = draft.inventory();
                }
            }
            if mended.len() == before {
                break;
            }
        }
        let case = doctor.case(&inventory);
        Fixed { mended, left: wanted.into_iter().flat_map(|rule| doctor.found(rule, &case)).collect() }
    }

    /// Mends what one rule finds, and says whether it did. A mend that cannot be done whole is not done.
    fn mend(&self, rule: &'static Rule, case: &Case<'_>, draft: &mut Draft, mended: &mut Vec<Finding>) -> bool {
        let before = mended.len();
        for finding in self.found(rule, case).into_iter().filter(|finding| !finding.mends.is_empty()) {
            if draft.attempt(&finding.mends) == Ok(true) {
                mended.push(finding);
            }
        }
        mended.len() > before
    }
}
