//! "Did you mean" suggestions: CPython's bounded edit distance.

const MOVE: usize = 2;
const CASE: usize = 1;

fn substitution(a: char, b: char) -> usize {
    if a == b {
        0
    } else if a.eq_ignore_ascii_case(&b) {
        CASE
    } else {
        MOVE
    }
}

fn distance(a: &str, b: &str, max: usize) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) * MOVE > max {
        return max + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).map(|i| i * MOVE).collect();
    for (i, &ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (i + 1) * MOVE;
        for (j, &cb) in b.iter().enumerate() {
            let cost = (diagonal + substitution(ca, cb)).min(row[j] + MOVE).min(row[j + 1] + MOVE);
            diagonal = row[j + 1];
            row[j + 1] = cost;
        }
    }
    row[b.len()]
}

/// The candidate closest to `wrong`, if one is close enough.
pub fn closest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for c in candidates {
        if c == wrong {
            continue;
        }
        let max = (wrong.chars().count() + c.chars().count() + 3) * MOVE / 6;
        let max = best.map_or(max, |(d, _)| max.min(d.saturating_sub(1)));
        let d = distance(wrong, c, max);
        if d <= max {
            best = Some((d, c));
        }
    }
    best.map(|b| b.1)
}
