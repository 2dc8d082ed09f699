//! Bytes of a document in whatever encoding, as the UTF-8 that is scanned, and places in them.

/// An encoding of bytes.
#[derive(Clone, PartialEq, Debug)]
pub enum Encoding {
    /// The first bytes decide.
    Unknown,
    /// UTF-8.
    Utf8,
    /// US-ASCII.
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// UTF-16, the more significant byte first.
    Utf16Big,
    /// UTF-16, the less significant byte first.
    Utf16Little,
    /// A character for each byte, or [`UNDEFINED`].
    Table(Box<[u32; 256]>),
}

/// What stands in a table for a byte that means no character.
pub const UNDEFINED: u32 = u32::MAX;

/// Stands in decoded text for bytes that mean no character: a byte that UTF-8 never has.
const BAD: u8 = 0xff;

impl Encoding {
    /// Whether a character has two bytes at least.
    pub fn is_wide(&self) -> bool {
        matches!(self, Encoding::Utf16Big | Encoding::Utf16Little)
    }

    /// Whether the bytes are scanned as they are.
    pub fn is_plain(&self) -> bool {
        matches!(self, Encoding::Unknown | Encoding::Utf8 | Encoding::Ascii)
    }

    /// The encoding that a table is, if markup is where it is in ASCII.
    pub fn table(table: &[u32; 256]) -> Option<Encoding> {
        let matters = |c: u8| match c {
            b'\t' | b'\n' | b'\r' => true,
            b'$' | b'@' | b'\\' | b'^' | b'`' | b'{' | b'}' | b'~' | 0x7f => false,
            c => c >= b' ',
        };
        for (i, c) in table.iter().enumerate() {
            let byte = i as u8;
            if *c == UNDEFINED {
                if byte < 0x80 && matters(byte) {
                    return None;
                }
            } else if (byte < 0x80 && matters(byte) || *c < 0x80 && matters(*c as u8)) && *c != i as u32 {
                return None;
            }
        }
        Some(Encoding::Table(Box::new(*table)))
    }

    /// The number of bytes that this decoded text had.
    fn length(&self, text: &[u8]) -> usize {
        match self {
            Encoding::Unknown | Encoding::Utf8 | Encoding::Ascii => text.len(),
            Encoding::Latin1 | Encoding::Table(_) => text.iter().filter(|c| **c & 0xc0 != 0x80).count(),
            _ => text
                .iter()
                .map(|c| match c {
                    0x80..0xc0 => 0,
                    0xf0..0xf8 => 4,
                    _ => 2,
                })
                .sum(),
        }
    }

    /// The bytes that this decoded text had.
    fn encode(&self, text: &[u8]) -> Vec<u8> {
        if self.is_plain() {
            return text.to_vec();
        }
        let mut out = Vec::with_capacity(text.len());
        for c in String::from_utf8_lossy(text).chars() {
            match self {
                Encoding::Utf16Big => {
                    c.encode_utf16(&mut [0; 2]).iter().for_each(|u| out.extend(u.to_be_bytes()))
                }
                Encoding::Utf16Little => {
                    c.encode_utf16(&mut [0; 2]).iter().for_each(|u| out.extend(u.to_le_bytes()));
                }
                Encoding::Table(t) => {
                    out.push(t.iter().position(|x| *x == c as u32).unwrap_or(b'?' as usize) as u8)
                }
                _ => out.push(c as u32 as u8),
            }
        }
        out
    }

    /// Decodes `bytes` to the end of `out`; the number of bytes used, which may leave an incomplete character.
    fn decode(&self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        match self {
            Encoding::Unknown | Encoding::Utf8 => out.extend_from_slice(bytes),
            Encoding::Ascii => out.extend(bytes.iter().map(|c| if *c < 0x80 { *c } else { BAD })),
            Encoding::Latin1 => bytes.iter().for_each(|c| push(out, *c as u32)),
            Encoding::Table(t) => bytes.iter().for_each(|c| push(out, t[*c as usize])),
            Encoding::Utf16Big | Encoding::Utf16Little => {
                let unit = |i: usize| {
                    let pair = bytes.get(i..i + 2)?;
                    Some(match self {
                        Encoding::Utf16Big => u16::from_be_bytes([pair[0], pair[1]]),
                        _ => u16::from_le_bytes([pair[0], pair[1]]),
                    } as u32)
                };
                let mut i = 0;
                while let Some(u) = unit(i) {
                    if u & 0xfc00 != 0xd800 {
                        push(out, u);
                        i += 2;
                        continue;
                    }
                    let Some(low) = unit(i + 2) else { break };
                    if low & 0xfc00 == 0xdc00 {
                        push(out, 0x10000 + ((u & 0x3ff) << 10) + (low & 0x3ff));
                        i += 4;
                    } else {
                        out.push(BAD);
                        i += 2;
                    }
                }
                return i;
            }
        }
        bytes.len()
    }
}

/// Appends a character, or what stands for none.
fn push(out: &mut Vec<u8>, c: u32) {
    match char::from_u32(c) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.push(BAD),
    }
}

/// What a name of an encoding means.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Named {
    /// ISO-8859-1
    Latin1,
    /// US-ASCII
    Ascii,
    /// UTF-8
    Utf8,
    /// UTF-16, in either order
    Utf16,
    /// UTF-16BE
    Utf16Big,
    /// UTF-16LE
    Utf16Little,
}

impl Named {
    /// The encoding of this name, if it is one of those that are built in.
    pub fn of(name: &str) -> Option<Named> {
        const NAMES: [(&str, Named); 6] = [
            ("ISO-8859-1", Named::Latin1),
            ("US-ASCII", Named::Ascii),
            ("UTF-8", Named::Utf8),
            ("UTF-16", Named::Utf16),
            ("UTF-16BE", Named::Utf16Big),
            ("UTF-16LE", Named::Utf16Little),
        ];
        NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, e)| *e)
    }

    /// The encoding of bytes, unless they begin with a mark that says otherwise.
    fn encoding(self) -> Encoding {
        match self {
            Named::Latin1 => Encoding::Latin1,
            Named::Ascii => Encoding::Ascii,
            Named::Utf8 => Encoding::Utf8,
            Named::Utf16 | Named::Utf16Big => Encoding::Utf16Big,
            Named::Utf16Little => Encoding::Utf16Little,
        }
    }
}

/// The encoding of bytes that begin like this, and the length of their byte order mark; `None` if more bytes must tell.
/// `named` is what was said from outside, `content` whether they begin with content, not with a prolog.
pub fn detect(b: &[u8], named: Option<Named>, content: bool) -> Option<(Encoding, usize)> {
    let otherwise = named.map_or(Encoding::Utf8, Named::encoding);
    let latin1 = content && named == Some(Named::Latin1);
    let big = content && named == Some(Named::Utf16Big);
    let little = content && named == Some(Named::Utf16Little);
    Some(match b {
        [] => return None,
        [0xfe | 0xff | 0xef] if latin1 => (otherwise, 0),
        [0xfe | 0xff | 0xef | 0x00 | 0x3c] => return None,
        [_] => (otherwise, 0),
        [0xfe, 0xff, ..] if !latin1 => (Encoding::Utf16Big, 2),
        [0x3c, 0x00, ..] if !(content && matches!(named, Some(Named::Utf16 | Named::Utf16Big))) => {
            (Encoding::Utf16Little, 0)
        }
        [0xff, 0xfe, ..] if !latin1 => (Encoding::Utf16Little, 2),
        [0xef, 0xbb, ..] if !(latin1 || big || little || content && named == Some(Named::Utf16)) => {
            match b.get(2) {
                None => return None,
                Some(0xbf) => (Encoding::Utf8, 3),
                Some(_) => (otherwise, 0),
            }
        }
        [0x00, ..] if !little => (Encoding::Utf16Big, 0),
        [_, 0x00, ..] if !content => (Encoding::Utf16Little, 0),
        _ => (otherwise, 0),
    })
}

/// A place of the text, which is kept when the text before it is dropped.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Event {
    None,
    At(usize),
    /// Dropped; the byte it was.
    Before(u64),
}

/// The input of a parser.
pub struct Input {
    /// Bytes that cannot be decoded yet.
    raw: Vec<u8>,
    /// What is decoded and not dropped.
    pub text: Vec<u8>,
    /// How much of it is used.
    pub pos: usize,
    /// The encoding of what follows.
    pub encoding: Encoding,
    /// The number of bytes before `text`.
    before: u64,
    /// The place whose line and column are known, and these, from zero.
    known: usize,
    line: u64,
    column: u64,
    event: Event,
}

impl Input {
    /// Nothing.
    pub fn new() -> Input {
        Input {
            raw: Vec::new(),
            text: Vec::new(),
            pos: 0,
            encoding: Encoding::Unknown,
            before: 0,
            known: 0,
            line: 0,
            column: 0,
            event: Event::None,
        }
    }

    /// Takes more bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.drop_used();
        if self.encoding == Encoding::Unknown || !self.raw.is_empty() {
            self.raw.extend_from_slice(bytes);
            self.decode_raw();
        } else {
            let used = self.encoding.decode(bytes, &mut self.text);
            self.raw.extend_from_slice(&bytes[used..]);
        }
    }

    fn decode_raw(&mut self) {
        if self.encoding != Encoding::Unknown {
            let used = self.encoding.decode(&self.raw, &mut self.text);
            self.raw.drain(..used);
        }
    }

    /// Drops the text that is used.
    fn drop_used(&mut self) {
        if self.pos == 0 {
            return;
        }
        self.event = match self.event {
            Event::At(i) if i < self.pos => {
                Event::Before(self.before + self.encoding.length(&self.text[..i]) as u64)
            }
            Event::At(i) => Event::At(i - self.pos),
            e => e,
        };
        self.know(self.pos);
        self.before += self.encoding.length(&self.text[..self.pos]) as u64;
        self.text.drain(..self.pos);
        self.known = 0;
        self.pos = 0;
    }

    /// Decides the encoding; `false` if more bytes must tell.
    pub fn begin(&mut self, named: Option<Named>, content: bool, last: bool) -> bool {
        let (encoding, mark) = match detect(&self.raw, named, content) {
            Some(found) => found,
            None if last && self.raw.is_empty() => (named.map_or(Encoding::Utf8, Named::encoding), 0),
            None => return false,
        };
        self.raw.drain(..mark);
        self.before += mark as u64;
        // The mark is a character of the first line.
        self.column += u64::from(mark > 0);
        self.encoding = encoding;
        self.decode_raw();
        true
    }

    /// Sets the encoding before anything is decoded.
    pub fn begin_with(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        self.decode_raw();
    }

    /// From `pos` on, the bytes mean something else.
    pub fn switch(&mut self, encoding: Encoding) {
        if self.encoding == encoding {
            return;
        }
        self.drop_used();
        let old = std::mem::replace(&mut self.encoding, encoding);
        let mut bytes = old.encode(&self.text);
        bytes.append(&mut self.raw);
        // Decoded by now are only encodings whose bytes are scanned as they are, or the same again.
        self.raw = bytes;
        self.text.clear();
        self.decode_raw();
    }

    /// Bytes at the end that are no whole character yet.
    pub fn incomplete(&self) -> usize {
        self.raw.len()
    }

    /// Text that is not used.
    pub fn unused(&self) -> usize {
        self.text.len() - self.pos + self.raw.len()
    }

    /// Notes where something happens.
    pub fn set_event(&mut self, at: usize) {
        self.event = Event::At(at);
    }

    /// The byte at which the last event happened.
    pub fn byte(&self) -> Option<u64> {
        match self.event {
            Event::None => None,
            Event::At(i) => {
                Some(self.before + self.encoding.length(&self.text[..i.min(self.text.len())]) as u64)
            }
            Event::Before(n) => Some(n),
        }
    }

    /// The bytes from the last event to the end of what is there.
    pub fn context(&self) -> Option<Vec<u8>> {
        let Event::At(i) = self.event else { return None };
        let mut bytes = self.encoding.encode(self.text.get(i..)?);
        bytes.extend_from_slice(&self.raw);
        Some(bytes)
    }

    /// Line and column, from zero, of the last event, or of what was used since.
    pub fn place(&mut self) -> (u64, u64) {
        if let Event::At(i) = self.event {
            self.know(i);
        }
        (self.line, self.column)
    }

    /// All that is used has happened.
    pub fn settle(&mut self) {
        self.know(self.pos);
    }

    fn know(&mut self, to: usize) {
        let to = to.min(self.text.len());
        if to <= self.known {
            return;
        }
        let text = &self.text[self.known..to];
        let mut ends = text.iter().filter(|c| **c == b'\n').count();
        if text.contains(&b'\r') {
            // A `\r\n` is one line's end.
            let alone = |i: &usize| text[*i] == b'\r' && text.get(i + 1) != Some(&b'\n');
            ends += (0..text.len()).filter(alone).count();
        }
        let rest = match text.iter().rposition(|c| matches!(c, b'\n' | b'\r')) {
            Some(last) => {
                self.line += ends as u64;
                self.column = 0;
                &text[last + 1..]
            }
            None => text,
        };
        self.column += rest.iter().filter(|c| **c & 0xc0 != 0x80).count() as u64;
        self.known = to;
    }
}
