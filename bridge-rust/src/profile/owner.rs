//! Which native frame a word of the stack belongs to, for reports of what keeps objects.

/// The function of the running thread whose frame has the word at this address, and where it was made.
pub fn owner_of_word(address: usize) -> String {
    let mut found = None;
    backtrace::trace(|frame| {
        // What is told is where a frame begins, at its low end.
        let begun = frame.sp() as usize <= address;
        if begun {
            found = Some(frame.ip());
        }
        begun
    });
    let mut name = String::from("[unknown]");
    if let Some(ip) = found {
        backtrace::resolve(ip, |symbol| {
            let of = symbol.name().map_or_else(|| "[unknown]".into(), |n| format!("{n:#}"));
            name = format!("{of} (line {})", symbol.lineno().unwrap_or(0));
        });
    }
    name
}
