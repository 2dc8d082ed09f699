//! What passes in clear: for who watches a connection (`_msg_callback`), and for what binds other protocols to it (`tls-unique`).

use aws_lc_sys as ffi;

/// A message for who watches.
pub struct Event {
    pub write: bool,
    pub version: u16,
    /// The type of the record, or [`HEADER`].
    pub content: i64,
    pub message: i64,
    pub data: Vec<u8>,
}

/// The "type" of a record's head.
const HEADER: i64 = 0x100;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// What OpenSSL calls the message that is no message of the handshake.
const CIPHER_SPEC_MESSAGE: i64 = 0x101;
const TLS_1_2: u16 = 0x303;
/// Bytes before the body of a message of the handshake.
const MESSAGE: usize = 4;
const NEW_SESSION_TICKET: u8 = 4;

/// The bytes of one direction.
#[derive(Default)]
struct Direction {
    /// Everything from here on is encrypted.
    encrypted: bool,
    /// A message of the handshake that is not complete.
    part: Vec<u8>,
}

/// What has passed.
pub struct Trace {
    pub server: bool,
    /// Somebody watches.
    pub watched: bool,
    pub events: Vec<Event>,
    /// The master secret, in TLS 1.2.
    pub master: Option<Vec<u8>>,
    /// For how long the server takes a ticket back.
    pub lifetime: Option<u32>,
    /// The handshake up to the first message that is encrypted, and whether that is the client's.
    transcript: Vec<u8>,
    first: Option<bool>,
    ways: [Direction; 2],
}

impl Trace {
    pub fn new(server: bool) -> Trace {
        Trace {
            server,
            watched: false,
            events: Vec::new(),
            master: None,
            lifetime: None,
            transcript: Vec::new(),
            first: None,
            ways: Default::default(),
        }
    }

    /// A record has come.
    pub fn received(&mut self, record: &[u8]) {
        self.record(record, false);
    }

    /// Records go.
    pub fn sent(&mut self, mut records: &[u8], old: bool) {
        while records.len() > 5 {
            let n = (5 + u16::from_be_bytes([records[3], records[4]]) as usize).min(records.len());
            self.record(&records[..n], true);
            records = &records[n..];
        }
        if !old {
            // Later versions bind in other ways.
            self.transcript = Vec::new();
        }
    }

    fn record(&mut self, record: &[u8], write: bool) {
        let (head, body) = record.split_at(5.min(record.len()));
        let version = u16::from_be_bytes([head[1], head[2]]).max(TLS_1_2);
        let mut event = |content: i64, message: i64, data: &[u8]| {
            if self.watched {
                self.events.push(Event { write, version, content, message, data: data.to_vec() });
            }
        };
        event(HEADER, head[0] as i64, head);
        let way = &mut self.ways[write as usize];
        if way.encrypted {
            return;
        }
        match head[0] {
            CHANGE_CIPHER_SPEC => {
                event(CHANGE_CIPHER_SPEC as i64, CIPHER_SPEC_MESSAGE, body);
                way.encrypted = true;
                if self.first.is_none() {
                    self.first = Some(write != self.server);
                }
            }
            ALERT => event(ALERT as i64, body.get(1).copied().unwrap_or(0) as i64, body),
            HANDSHAKE => {
                if self.first.is_none() {
                    self.transcript.extend_from_slice(body);
                }
                way.part.extend_from_slice(body);
                while let Some(n) = message_length(&way.part) {
                    let message: Vec<u8> = way.part.drain(..n).collect();
                    event(HANDSHAKE as i64, message[0] as i64, &message);
                    if message[0] == NEW_SESSION_TICKET && !write && n >= MESSAGE + 4 {
                        let seconds = &message[MESSAGE..MESSAGE + 4];
                        self.lifetime = Some(u32::from_be_bytes(seconds.try_into().expect("four bytes")));
                    }
                }
            }
            _ => {}
        }
    }

    /// The first message `Finished` of a connection of TLS 1.2, which is made from the transcript as the peers make it. `long`: the suite's
    /// hash is SHA-384.
    pub fn unique(&self, long: bool) -> Option<Vec<u8>> {
        let (master, client) = (self.master.as_ref()?, self.first?);
        // SAFETY: plain calls that give static tables.
        let md = unsafe { if long { ffi::EVP_sha384() } else { ffi::EVP_sha256() } };
        let label: &[u8] = if client { b"client finished" } else { b"server finished" };
        let mut seed = label.to_vec();
        seed.extend(digest(md, &self.transcript));
        let mut second = hmac(md, master, &seed);
        second.extend_from_slice(&seed);
        Some(hmac(md, master, &second)[..12].to_vec())
    }
}

/// The length of the message at the beginning, if it is complete.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..MESSAGE)?;
    let n = MESSAGE + u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
    (bytes.len() >= n).then_some(n)
}

fn digest(md: *const ffi::EVP_MD, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0u8; ffi::EVP_MAX_MD_SIZE as usize];
    let mut n = 0;
    // SAFETY: there is room for any digest.
    unsafe {
        ffi::EVP_Digest(
            data.as_ptr() as *const _,
            data.len(),
            out.as_mut_ptr(),
            &mut n,
            md,
            std::ptr::null_mut(),
        );
    }
    out.truncate(n as usize);
    out
}

fn hmac(md: *const ffi::EVP_MD, key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0u8; ffi::EVP_MAX_MD_SIZE as usize];
    let mut n = 0;
    // SAFETY: there is room for any digest.
    unsafe {
        ffi::HMAC(
            md,
            key.as_ptr() as *const _,
            key.len(),
            data.as_ptr(),
            data.len(),
            out.as_mut_ptr(),
            &mut n,
        );
    }
    out.truncate(n as usize);
    out
}
