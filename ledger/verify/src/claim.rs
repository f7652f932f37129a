//! Claims (C6.6, D5, D6): what a bundle says of the items that it has proven.

use std::collections::BTreeSet;

use ledger::bundle::claims::{self, ClaimError, TraceAnswer, WindowAnswer};
use ledger::bundle::{Bundle, Claim, ClaimKind, Item, TraceClaim, WindowClaim};
use ledger::words::{self, Words};
use proto::receipt::Subject;

use crate::chain::Chain;
use crate::demand::{self, Options};
use crate::failure::{At, ClaimProblem, EntryProblem, Failure, Rule};
use crate::item::VerifiedItem;
use crate::log::VerifiedLog;
use crate::report::{self, Detail, VerifiedClaim};

/// A log in use: position of its item and of the log in it.
type Used = BTreeSet<(usize, usize)>;

/// Verifies every claim, and that every complete log serves one.
pub(crate) fn verify(
    bundle: &Bundle,
    chain: &Chain,
    items: &[VerifiedItem],
    options: &Options,
) -> Result<Vec<VerifiedClaim>, Failure> {
    let judge = Judge { bundle, chain, items, options };
    let mut used = Used::new();
    let mut verified = Vec::with_capacity(bundle.claims.len());
    for (position, claim) in bundle.claims.iter().enumerate() {
        let at = At::new(Rule::Claim, format!("claims[{position}]"));
        verified.push(judge.claim(&at, claim, &mut used)?);
    }
    judge.nothing_unused(&used)?;
    Ok(verified)
}

struct Judge<'a> {
    bundle: &'a Bundle,
    chain: &'a Chain,
    items: &'a [VerifiedItem],
    options: &'a Options,
}

impl<'a> Judge<'a> {
    fn claim(&self, at: &At, claim: &Claim, used: &mut Used) -> Result<VerifiedClaim, Failure> {
        let kind = claim.kind.as_ref().ok_or_else(|| unreadable(at, ClaimError::NoKind))?;
        let (detail, proven) = match kind {
            ClaimKind::Event(event) => {
                let (_, item, _) = self.item(at, event.item)?;
                (report::event_detail(item), self.simple_words(at, kind)?)
            }
            ClaimKind::Receipt(receipt) => {
                let (_, item, _) = self.item(at, receipt.item)?;
                (report::receipt_detail(item), self.simple_words(at, kind)?)
            }
            ClaimKind::State(state) => {
                self.timely(at, state.item)?;
                (Detail::State, self.simple_words(at, kind)?)
            }
            ClaimKind::Trace(trace) => {
                let at = at.with(Rule::Trace);
                let answer =
                    claims::trace(self.bundle, trace).map_err(|error| unreadable(&at, error))?;
                self.trace(&at, trace, &answer, used)?;
                self.timely(&at, trace.item)?;
                let (_, item, _) = self.item(&at, trace.item)?;
                let proven = words::trace(&answer.facts);
                (report::trace_detail(item, answer), proven)
            }
            ClaimKind::Window(window) => {
                let at = at.with(Rule::Window);
                let answer =
                    claims::window(self.bundle, window).map_err(|error| unreadable(&at, error))?;
                self.window(&at, window, &answer, used)?;
                self.timely(&at, window.item)?;
                let (_, item, _) = self.item(&at, window.item)?;
                let proven = words::window(&answer.facts);
                (report::window_detail(item, &answer), proven)
            }
        };
        if claim.words_zh == proven.zh && claim.words_en == proven.en {
            Ok(VerifiedClaim { words: proven, detail })
        } else {
            Err(at.claim(ClaimProblem::Words { proven }))
        }
    }

    /// The words, built anew from what is proven.
    fn simple_words(&self, at: &At, kind: &ClaimKind) -> Result<Words, Failure> {
        claims::words(self.bundle, &self.chain.genesis, kind).map_err(|error| unreadable(at, error))
    }

    fn item(&self, at: &At, position: u32) -> Result<(usize, &'a Item, &'a VerifiedItem), Failure> {
        let missing = || unreadable(at, ClaimError::NoItem { item: position });
        let index = usize::try_from(position).map_err(|_| missing())?;
        let shown = self.bundle.items.get(index).ok_or_else(missing)?;
        let proven = self.items.get(index).ok_or_else(missing)?;
        Ok((index, shown, proven))
    }

    /// Age and height of the leaf of a claim (C6.3).
    fn timely(&self, at: &At, position: u32) -> Result<(), Failure> {
        let (_, _, item) = self.item(at, position)?;
        demand::timely(&at.with(Rule::Final), &item.leaf, self.options)
    }

    /// D5: every subject that the walk reaches has its complete log, or is declared truncated.
    fn trace(
        &self,
        at: &At,
        claim: &TraceClaim,
        answer: &TraceAnswer,
        used: &mut Used,
    ) -> Result<(), Failure> {
        for start in &answer.starts {
            in_normal_form(at, start)?;
            if answer.truncated.contains(start) {
                return Err(at.claim(ClaimProblem::StartTruncated { subject: start.clone() }));
            }
        }
        if let Some(subject) = answer.missing.difference(&answer.truncated).next().cloned() {
            return Err(at.claim(ClaimProblem::NotShown { subject }));
        }
        if let Some(subject) = answer.truncated.difference(&answer.missing).next().cloned() {
            let shown = answer.walk.reached.contains_key(&subject);
            return Err(at.claim(if shown {
                ClaimProblem::TruncatedShown { subject }
            } else {
                ClaimProblem::NotReached { subject }
            }));
        }
        let reached = answer.walk.reached.keys().filter(|one| !answer.missing.contains(*one));
        let mut count = 0;
        for subject in reached {
            self.mark(at, claim.item, (subject, 0), used)?;
            count += 1;
        }
        let limit = claim.unit_limit;
        if usize::try_from(limit).is_ok_and(|limit| count > limit) {
            return Err(at.claim(ClaimProblem::OverLimit { used: count, limit }));
        }
        Ok(())
    }

    /// D6: the complete directory, and the complete log of each day of the window in it.
    fn window(
        &self,
        at: &At,
        claim: &WindowClaim,
        answer: &WindowAnswer,
        used: &mut Used,
    ) -> Result<(), Failure> {
        let subject = &answer.facts.subject;
        in_normal_form(at, subject)?;
        self.mark(at, claim.item, (subject, 0), used)?;
        let (_, item, _) = self.item(at, claim.item)?;
        for (day, height) in &answer.days {
            let position = self.mark(at, claim.item, (subject, *day), used)?;
            let log = item.logs.get(position);
            let found = log.and_then(|log| log.entries.first()).map_or(0, |entry| entry.height);
            let expected = height.value();
            if found != expected {
                return Err(at.claim(ClaimProblem::DayStart { day: *day, found, expected }));
            }
        }
        Ok(())
    }

    /// Marks a log as used; it must be complete. Returns its position in the item.
    fn mark(
        &self,
        at: &At,
        item: u32,
        (subject, bucket): (&Subject, u32),
        used: &mut Used,
    ) -> Result<usize, Failure> {
        let (index, _, proven) = self.item(at, item)?;
        let wanted = (subject.kind, bucket, subject.key.as_slice());
        let name =
            |log: &'a VerifiedLog| (log.subject.kind, log.bucket, log.subject.key.as_slice());
        // Logs ascend by kind, bucket and subject: C6.5.
        let position = proven.logs.binary_search_by(|log| name(log).cmp(&wanted)).ok();
        let log = position.and_then(|position| Some((position, proven.logs.get(position)?)));
        let subject = || subject.clone();
        let not_shown = || at.claim(ClaimProblem::NotShown { subject: subject() });
        let (position, log) = log.ok_or_else(not_shown)?;
        if !log.complete {
            return Err(at.claim(ClaimProblem::NotComplete { subject: subject() }));
        }
        used.insert((index, position));
        Ok(position)
    }

    /// A complete log that no claim uses could make a reader believe what nobody said (C6.5).
    fn nothing_unused(&self, used: &Used) -> Result<(), Failure> {
        for (index, item) in self.items.iter().enumerate() {
            for (position, log) in item.logs.iter().enumerate() {
                if log.complete && !used.contains(&(index, position)) {
                    let at = At::new(Rule::Item, format!("items[{index}].logs[{position}]"));
                    let (subject, bucket) = (log.subject.clone(), log.bucket);
                    return Err(at.entry(EntryProblem::Unused { subject, bucket }));
                }
            }
        }
        Ok(())
    }
}

/// A key that its normaliser would change was never written: asking for it misleads.
fn in_normal_form(at: &At, subject: &Subject) -> Result<(), Failure> {
    match claims::normal_form(subject) {
        Some(normal) if normal != subject.key => {
            Err(at.claim(ClaimProblem::NormalForm { subject: subject.clone(), normal }))
        }
        Some(_) | None => Ok(()),
    }
}

fn unreadable(at: &At, error: ClaimError) -> Failure {
    at.claim(ClaimProblem::Unreadable(error))
}
