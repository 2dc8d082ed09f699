//! The suites there are, and the language in which OpenSSL chooses among them.

use cape_vm::object::*;
use cape_vm::{Value, intern};
use rustls::crypto::aws_lc_rs::cipher_suite as of;
use rustls::{CipherSuite, SignatureAlgorithm, SupportedCipherSuite};

/// A suite.
pub struct Suite {
    /// OpenSSL's name.
    pub name: &'static str,
    /// The version.
    pub version: &'static str,
    /// How the peers authenticate: `RSA`, `ECDSA` or `any`.
    auth: &'static str,
    cipher: &'static Cipher,
    rustls: &'static SupportedCipherSuite,
}

/// What encrypts.
struct Cipher {
    /// As descriptions have it.
    shown: &'static str,
    /// What it is called otherwise.
    symmetric: &'static str,
    bits: i64,
    /// The words that choose it.
    words: &'static [&'static str],
}

static AES_256: Cipher = Cipher {
    shown: "AESGCM(256)",
    symmetric: "aes-256-gcm",
    bits: 256,
    words: &["AES", "AES256", "AESGCM", "SHA384"],
};
static AES_128: Cipher = Cipher {
    shown: "AESGCM(128)",
    symmetric: "aes-128-gcm",
    bits: 128,
    words: &["AES", "AES128", "AESGCM", "SHA256"],
};
static CHACHA: Cipher = Cipher {
    shown: "CHACHA20/POLY1305(256)",
    symmetric: "chacha20-poly1305",
    bits: 256,
    words: &["CHACHA20", "SHA256"],
};

macro_rules! suites {
    ($($name:literal $version:literal $auth:literal $cipher:ident $suite:ident;)*) => {
        /// All of them, the preferred ones first.
        pub static SUITES: &[Suite] = &[$(Suite {
            name: $name, version: $version, auth: $auth, cipher: &$cipher, rustls: &of::$suite,
        }),*];
    };
}

suites! {
    "TLS_AES_256_GCM_SHA384" "TLSv1.3" "any" AES_256 TLS13_AES_256_GCM_SHA384;
    "TLS_CHACHA20_POLY1305_SHA256" "TLSv1.3" "any" CHACHA TLS13_CHACHA20_POLY1305_SHA256;
    "TLS_AES_128_GCM_SHA256" "TLSv1.3" "any" AES_128 TLS13_AES_128_GCM_SHA256;
    "ECDHE-ECDSA-AES256-GCM-SHA384" "TLSv1.2" "ECDSA" AES_256 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    "ECDHE-RSA-AES256-GCM-SHA384" "TLSv1.2" "RSA" AES_256 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384;
    "ECDHE-ECDSA-CHACHA20-POLY1305" "TLSv1.2" "ECDSA" CHACHA TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    "ECDHE-RSA-CHACHA20-POLY1305" "TLSv1.2" "RSA" CHACHA TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256;
    "ECDHE-ECDSA-AES128-GCM-SHA256" "TLSv1.2" "ECDSA" AES_128 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    "ECDHE-RSA-AES128-GCM-SHA256" "TLSv1.2" "RSA" AES_128 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
}

/// Words for suites of TLS 1.2 in general: all of these exchange keys by elliptic curves.
const GENERAL: &[&str] = &[
    "ALL",
    "DEFAULT",
    "COMPLEMENTOFALL",
    "HIGH",
    "TLSv1.2",
    "ECDH",
    "ECDHE",
    "EECDH",
    "kECDHE",
    "kEECDH",
    "AEAD",
    "FIPS",
    "SUITEB128",
    "SUITEB192",
];

impl Suite {
    /// Its number in TLS.
    pub fn id(&self) -> CipherSuite {
        self.rustls.suite()
    }

    /// What rustls has for it.
    pub fn rustls(&self) -> SupportedCipherSuite {
        *self.rustls
    }

    /// Whether a key of this kind can sign in a handshake that chooses it.
    pub fn takes(&self, kind: SignatureAlgorithm) -> bool {
        match self.auth {
            "RSA" => kind == SignatureAlgorithm::RSA,
            "ECDSA" => kind != SignatureAlgorithm::RSA,
            _ => true,
        }
    }

    fn is_old(&self) -> bool {
        self.version == "TLSv1.2"
    }

    /// Whether a word of the language names it. What these libraries have no suites for names none.
    fn has(&self, word: &str) -> bool {
        let auth = |w: &str| w.strip_prefix('a').unwrap_or(w) == self.auth && w != "RSA";
        word == self.name
            || self.cipher.words.contains(&word)
            || auth(word)
            || GENERAL.contains(&word) && !(word == "FIPS" && std::ptr::eq(self.cipher, &CHACHA))
    }

    /// Name, version and bits.
    pub fn short(&self) -> Value {
        TupleObj::new(&[intern(self.name), intern(self.version), Value::int(self.cipher.bits)]).value()
    }

    /// All that `get_ciphers()` tells.
    pub fn long(&self) -> Value {
        let old = self.is_old();
        let (kx, kea) = if old { ("ECDH", "kx-ecdhe") } else { ("any", "kx-any") };
        let description = format!(
            "{:<30} {} Kx={kx:<8} Au={:<5} Enc={:<22} Mac=AEAD",
            self.name, self.version, self.auth, self.cipher.shown
        );
        let d = DictObj::new();
        let id = 0x0300_0000 | u16::from(self.id()) as i64;
        for (key, v) in [
            ("id", Value::int(id)),
            ("name", intern(self.name)),
            ("protocol", intern(self.version)),
            ("description", StrObj::new(&description).value()),
            ("strength_bits", Value::int(self.cipher.bits)),
            ("alg_bits", Value::int(self.cipher.bits)),
            ("aead", Value::TRUE),
            ("symmetric", intern(self.cipher.symmetric)),
            ("digest", Value::NONE),
            ("kea", intern(kea)),
            ("auth", intern(&format!("auth-{}", self.auth.to_lowercase()))),
        ] {
            d.set_str(intern(key), v);
        }
        d.value()
    }
}

/// The suite of this number.
pub fn find(id: CipherSuite) -> Option<&'static Suite> {
    SUITES.iter().find(|s| s.id() == id)
}

/// Those of TLS 1.2 that a list names, in its order; those of TLS 1.3 come first and cannot be left out. None when it names none.
pub fn choose(list: &str) -> Option<Vec<&'static Suite>> {
    let mut chosen: Vec<&Suite> = Vec::new();
    let mut killed: Vec<&Suite> = Vec::new();
    for item in list.split([':', ',', ' ', ';']).filter(|i| !i.is_empty()) {
        if let Some(command) = item.strip_prefix('@') {
            if command == "STRENGTH" {
                chosen.sort_by_key(|s| -s.cipher.bits);
            }
            continue;
        }
        let (sign, words) = match item.as_bytes()[0] {
            c @ (b'!' | b'-' | b'+') => (c, &item[1..]),
            _ => (b' ', item),
        };
        let named: Vec<&Suite> =
            SUITES.iter().filter(|s| s.is_old() && words.split('+').all(|w| s.has(w))).collect();
        let is_named = |s: &&Suite| named.iter().any(|n| std::ptr::eq(*n, *s));
        match sign {
            b'!' => {
                chosen.retain(|s| !is_named(s));
                killed.extend(named);
            }
            b'-' => chosen.retain(|s| !is_named(s)),
            b'+' => {
                let (moved, kept): (Vec<&Suite>, Vec<&Suite>) =
                    chosen.iter().copied().partition(|s| is_named(s));
                chosen = kept.into_iter().chain(moved).collect();
            }
            _ => {
                let fresh = |s: &&Suite| !chosen.iter().chain(&killed).any(|c| std::ptr::eq(*c, *s));
                let more: Vec<&Suite> = named.into_iter().filter(fresh).collect();
                chosen.extend(more);
            }
        }
    }
    if chosen.is_empty() {
        return None;
    }
    Some(SUITES.iter().filter(|s| !s.is_old()).chain(chosen).collect())
}
