//! What a context says of its connections, and what rustls is told of that.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, LazyLock, Mutex};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{self, Ticketer, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::server::{
    NoServerSessionStorage, ProducesTickets, ServerSessionMemoryCache, StoresServerSessions,
};
use rustls::{ClientConfig, Error, KeyLog, ServerConfig, SupportedProtocolVersion};

use crate::ciphers::{SUITES, Suite};
use crate::constants::{cert, host, options, protocol, version};
use crate::crypto::Store;
use crate::keys::Keys;
use crate::verify::{OfClients, Verifier, note_master};

/// What AWS-LC can do, for rustls.
static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(aws_lc_rs::default_provider);

/// The curves there are, under the names that OpenSSL has for them, the preferred one first.
static CURVES: [(&[&str], &dyn SupportedKxGroup); 3] = [
    (&["X25519", "x25519"], kx_group::X25519),
    (&["prime256v1", "P-256", "secp256r1"], kx_group::SECP256R1),
    (&["secp384r1", "P-384"], kx_group::SECP384R1),
];

/// The provider itself, for loading keys.
pub fn provider() -> &'static CryptoProvider {
    &PROVIDER
}

/// The number of the curve of this name.
pub fn curve(name: &str) -> Option<usize> {
    CURVES.iter().position(|(names, _)| names.contains(&name))
}

/// Where secrets are logged.
#[derive(Debug, Default)]
pub struct Log(pub Mutex<Option<File>>);

impl KeyLog for Log {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if label == "CLIENT_RANDOM" {
            note_master(secret);
        }
        if let Some(file) = self.0.lock().unwrap_or_else(|e| e.into_inner()).as_mut() {
            let hex = cape_stdlib::hashes::hex;
            let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
            // (Nobody can be told.)
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// How often what has happened to the connections of a context.
#[derive(Debug, Default)]
pub struct Counts {
    pub connect: AtomicI64,
    pub connect_good: AtomicI64,
    pub accept: AtomicI64,
    pub accept_good: AtomicI64,
    pub hits: AtomicI64,
}

/// What a context says.
pub struct Settings {
    pub protocol: i32,
    /// `verify_mode`
    pub mode: i64,
    pub check_host: bool,
    pub verify_flags: u64,
    pub host_flags: u64,
    pub options: u64,
    pub minimum: i64,
    pub maximum: i64,
    pub suites: Vec<&'static Suite>,
    /// The only curve, if there is but one.
    pub curve: Option<usize>,
    pub alpn: Vec<Vec<u8>>,
    pub keys: Arc<Keys>,
    pub tickets: i64,
    pub post_handshake: bool,
    pub store: Store,
    pub log: Arc<Log>,
    pub counts: Arc<Counts>,
    /// Made with the first server, and kept, so that sessions can be resumed.
    resumed: Option<(Arc<dyn ProducesTickets>, Arc<dyn StoresServerSessions>)>,
    client: Option<Arc<ClientConfig>>,
    server: Option<Arc<ServerConfig>>,
}

/// Sessions that a server keeps for clients that have no tickets.
const SESSIONS: usize = 1024;

impl Settings {
    /// Those of a fresh context.
    pub fn new(protocol: i32, store: Store) -> Settings {
        let client = protocol == protocol::TLS_CLIENT;
        let only = protocol == protocol::TLS_V1_2;
        Settings {
            protocol,
            mode: if client { cert::REQUIRED } else { cert::NONE },
            check_host: client,
            verify_flags: crate::constants::VERIFY_TRUSTED_FIRST,
            host_flags: host::NO_PARTIAL_WILDCARDS,
            options: options::DEFAULT,
            minimum: version::MINIMUM,
            maximum: if only { version::TLS_V1_2 } else { version::MAXIMUM },
            suites: SUITES.iter().collect(),
            curve: None,
            alpn: Vec::new(),
            keys: Arc::default(),
            tickets: 2,
            post_handshake: false,
            store,
            log: Arc::default(),
            counts: Arc::default(),
            resumed: None,
            client: None,
            server: None,
        }
    }

    /// Something changes: the next connection is told.
    pub fn changed(&mut self) -> &mut Settings {
        self.client = None;
        self.server = None;
        self
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let lowest = if self.minimum == version::MAXIMUM { version::TLS_V1_3 } else { self.minimum };
        let highest = match self.maximum {
            version::MAXIMUM => version::TLS_V1_3,
            version::MINIMUM => version::TLS_V1_2,
            v => v,
        };
        let all = [
            (version::TLS_V1_3, options::NO_TLS_V1_3, &rustls::version::TLS13),
            (version::TLS_V1_2, options::NO_TLS_V1_2, &rustls::version::TLS12),
        ];
        let wanted = all.iter().filter(|(v, no, _)| (lowest..=highest).contains(v) && self.options & no == 0);
        wanted.map(|&(_, _, v)| v).collect()
    }

    fn provider(&self) -> Arc<CryptoProvider> {
        let groups = match self.curve {
            Some(i) => vec![CURVES[i].1],
            None => CURVES.iter().map(|c| c.1).collect(),
        };
        let suites = self.suites.iter().map(|s| s.rustls()).collect();
        Arc::new(CryptoProvider { cipher_suites: suites, kx_groups: groups, ..PROVIDER.clone() })
    }

    fn verifier(&self) -> Arc<Verifier> {
        Arc::new(Verifier {
            store: self.store.clone(),
            mode: self.mode,
            check_host: self.check_host,
            flags: self.verify_flags,
            host_flags: self.host_flags,
            schemes: PROVIDER.signature_verification_algorithms.supported_schemes(),
        })
    }

    /// What clients are told.
    pub fn client(&mut self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(c) = &self.client {
            return Ok(c.clone());
        }
        let builder = ClientConfig::builder_with_provider(self.provider());
        let builder = builder.with_protocol_versions(&self.versions())?;
        let builder = builder.dangerous().with_custom_certificate_verifier(self.verifier());
        let mut c = builder.with_client_cert_resolver(Arc::new(self.keys.completed(&self.store)));
        c.alpn_protocols = self.alpn.clone();
        c.key_log = self.log.clone();
        c.resumption = Resumption::disabled();
        let c = Arc::new(c);
        self.client = Some(c.clone());
        Ok(c)
    }

    /// What servers are told.
    pub fn server(&mut self) -> Result<Arc<ServerConfig>, Error> {
        if let Some(c) = &self.server {
            return Ok(c.clone());
        }
        let builder = ServerConfig::builder_with_provider(self.provider());
        let builder = builder.with_protocol_versions(&self.versions())?;
        let builder = builder.with_client_cert_verifier(Arc::new(OfClients(self.verifier())));
        let mut c = builder.with_cert_resolver(Arc::new(self.keys.completed(&self.store)));
        if self.resumed.is_none() {
            let sessions: Arc<dyn StoresServerSessions> = ServerSessionMemoryCache::new(SESSIONS);
            self.resumed = Some((Ticketer::new()?, sessions));
        }
        let (ticketer, sessions) = self.resumed.as_ref().expect("just made");
        if self.options & options::NO_TICKET == 0 {
            c.ticketer = ticketer.clone();
        }
        c.session_storage = match self.tickets {
            0 => Arc::new(NoServerSessionStorage {}),
            _ => sessions.clone(),
        };
        c.alpn_protocols = self.alpn.clone();
        c.key_log = self.log.clone();
        c.ignore_client_order = self.options & options::CIPHER_SERVER_PREFERENCE != 0;
        c.send_tls13_tickets = self.tickets as usize;
        let c = Arc::new(c);
        self.server = Some(c.clone());
        Ok(c)
    }
}
