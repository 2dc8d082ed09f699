//! Options: the nursery's size, and *zeal*, which makes rare events of the collector frequent.

/// The options in force.
pub(crate) struct Options {
    /// Collect at every Nth allocation; 0 to collect when it is due.
    every: usize,
    /// Every Kth of those collections is a full one.
    full: usize,
    /// Fill vacated memory.
    pub(crate) poison: bool,
    /// Check the heap after every Kth collection, which costs as much as a full one; 0 for never.
    verify: usize,
    /// Objects whose end can be seen end when they are dropped, not when they are collected (`late`).
    pub(crate) prompt: bool,
    pub(crate) nursery: Option<usize>,
    /// Collections that are asked for say who keeps objects of this kind.
    pub(crate) who: Option<String>,
    count: usize,
    collections: usize,
}

impl Options {
    pub(crate) const fn new() -> Options {
        Options {
            every: 0,
            full: 10,
            poison: false,
            verify: 0,
            prompt: true,
            nursery: None,
            who: None,
            count: 0,
            collections: 0,
        }
    }

    /// Whether every allocation must take the slow path.
    #[inline]
    pub(crate) fn zeal(&self) -> bool {
        self.every != 0
    }

    /// Counts an allocation; whether to collect now, and then whether the whole heap.
    pub(crate) fn tick(&mut self) -> Option<bool> {
        self.count += 1;
        if !self.count.is_multiple_of(self.every) {
            return None;
        }
        Some((self.count / self.every).is_multiple_of(self.full))
    }

    /// Counts a collection; whether the heap is to be checked after it.
    pub(crate) fn verify_now(&mut self) -> bool {
        self.collections += 1;
        self.verify != 0 && self.collections.is_multiple_of(self.verify)
    }

    /// Parses the text of `-X gc=...`.
    pub(crate) fn parse(text: &str) -> Result<Options, String> {
        let mut o = Options::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (name, arg) = part.split_once(':').map_or((part, None), |(n, a)| (n, Some(a)));
            let number = || {
                let a = arg.unwrap_or("");
                let (digits, unit) = match a.char_indices().last() {
                    Some((i, 'k' | 'K')) => (&a[..i], 1 << 10),
                    Some((i, 'm' | 'M')) => (&a[..i], 1 << 20),
                    _ => (a, 1),
                };
                let n = digits.parse::<usize>().ok().filter(|n| *n > 0);
                n.map(|n| n * unit)
                    .ok_or_else(|| format!("gc option {name} needs a positive number, not {a:?}"))
            };
            match name {
                "every" => o.every = number()?,
                "full" => o.full = number()?,
                "nursery" => o.nursery = Some(number()?.max(64 << 10)),
                "poison" => o.poison = true,
                "verify" => o.verify = if arg.is_some() { number()? } else { 1 },
                "who" => o.who = arg.map(str::to_string),
                "late" => o.prompt = false,
                // Whatever is not pinned moves anyway when it survives its first collection.
                "move" => {}
                _ => return Err(format!("unknown gc option: {part:?}")),
            }
        }
        Ok(o)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_parse() {
        let o = Options::parse("every:3,move,poison,verify,nursery:256K").unwrap();
        assert!(o.zeal() && o.poison && o.verify == 1 && o.nursery == Some(256 << 10));
        assert!(!Options::parse("").unwrap().zeal());
        assert!(Options::parse("every:0").is_err() && Options::parse("often").is_err());
    }

    #[test]
    fn every_kth_collection_is_checked() {
        let checks = |text| {
            let mut o = Options::parse(text).unwrap();
            (0..6).filter(|_| o.verify_now()).count()
        };
        assert_eq!(["verify", "verify:3", "poison"].map(checks), [6, 2, 0]);
    }

    #[test]
    fn every_kth_collection_is_full() {
        let mut o = Options::parse("every:2,full:3").unwrap();
        let ticks: Vec<_> = (0..12).map(|_| o.tick()).collect();
        let (no, minor, full) = (None, Some(false), Some(true));
        assert_eq!(ticks, [no, minor, no, minor, no, full, no, minor, no, minor, no, full]);
    }
}
