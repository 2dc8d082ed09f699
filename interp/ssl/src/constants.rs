//! The numbers of the module.

/// Options of contexts, as OpenSSL 1.1.1 numbers them.
pub mod options {
    pub const ALL: u64 = 0x8000_0054;
    pub const LEGACY_SERVER_CONNECT: u64 = 0x4;
    pub const IGNORE_UNEXPECTED_EOF: u64 = 0x80;
    pub const NO_TICKET: u64 = 0x4000;
    pub const NO_COMPRESSION: u64 = 0x2_0000;
    pub const ENABLE_MIDDLEBOX_COMPAT: u64 = 0x10_0000;
    pub const CIPHER_SERVER_PREFERENCE: u64 = 0x40_0000;
    pub const NO_SSL_V3: u64 = 0x0200_0000;
    pub const NO_TLS_V1: u64 = 0x0400_0000;
    pub const NO_TLS_V1_2: u64 = 0x0800_0000;
    pub const NO_TLS_V1_1: u64 = 0x1000_0000;
    pub const NO_TLS_V1_3: u64 = 0x2000_0000;
    pub const NO_RENEGOTIATION: u64 = 0x4000_0000;
    /// Those that switch versions off.
    pub const NO_VERSIONS: u64 = NO_SSL_V3 | NO_TLS_V1 | NO_TLS_V1_1 | NO_TLS_V1_2 | NO_TLS_V1_3;
    /// What a context begins with.
    pub const DEFAULT: u64 =
        ALL | NO_SSL_V3 | NO_COMPRESSION | CIPHER_SERVER_PREFERENCE | ENABLE_MIDDLEBOX_COMPAT;
}

/// The kinds of contexts.
pub mod protocol {
    pub const TLS: i32 = 2;
    pub const TLS_V1: i32 = 3;
    pub const TLS_V1_1: i32 = 4;
    pub const TLS_V1_2: i32 = 5;
    pub const TLS_CLIENT: i32 = 16;
    pub const TLS_SERVER: i32 = 17;
}

/// The versions.
pub mod version {
    pub const MINIMUM: i64 = -2;
    pub const MAXIMUM: i64 = -1;
    pub const SSL_V3: i64 = 0x300;
    pub const TLS_V1: i64 = 0x301;
    pub const TLS_V1_1: i64 = 0x302;
    pub const TLS_V1_2: i64 = 0x303;
    pub const TLS_V1_3: i64 = 0x304;
}

/// How certificates of peers are verified.
pub mod cert {
    pub const NONE: i64 = 0;
    pub const OPTIONAL: i64 = 1;
    pub const REQUIRED: i64 = 2;
}

/// How hosts' names are compared with those in certificates.
pub mod host {
    pub const NO_PARTIAL_WILDCARDS: u64 = 4;
}

/// Only trusted certificates are used for what the peer has not sent.
pub const VERIFY_TRUSTED_FIRST: u64 = 0x8000;

/// All the numbers under their names.
pub const NUMBERS: &[(&str, i64)] = &[
    ("CERT_NONE", cert::NONE),
    ("CERT_OPTIONAL", cert::OPTIONAL),
    ("CERT_REQUIRED", cert::REQUIRED),
    ("ENCODING_PEM", 1),
    ("ENCODING_DER", 2),
    ("HOSTFLAG_ALWAYS_CHECK_SUBJECT", 1),
    ("HOSTFLAG_NO_WILDCARDS", 2),
    ("HOSTFLAG_NO_PARTIAL_WILDCARDS", host::NO_PARTIAL_WILDCARDS as i64),
    ("HOSTFLAG_MULTI_LABEL_WILDCARDS", 8),
    ("HOSTFLAG_SINGLE_LABEL_SUBDOMAINS", 16),
    ("HOSTFLAG_NEVER_CHECK_SUBJECT", 32),
    ("OP_ALL", options::ALL as i64),
    ("OP_CIPHER_SERVER_PREFERENCE", options::CIPHER_SERVER_PREFERENCE as i64),
    ("OP_ENABLE_MIDDLEBOX_COMPAT", options::ENABLE_MIDDLEBOX_COMPAT as i64),
    ("OP_IGNORE_UNEXPECTED_EOF", options::IGNORE_UNEXPECTED_EOF as i64),
    ("OP_LEGACY_SERVER_CONNECT", options::LEGACY_SERVER_CONNECT as i64),
    ("OP_NO_COMPRESSION", options::NO_COMPRESSION as i64),
    ("OP_NO_RENEGOTIATION", options::NO_RENEGOTIATION as i64),
    ("OP_NO_SSLv2", 0),
    ("OP_NO_SSLv3", options::NO_SSL_V3 as i64),
    ("OP_NO_TICKET", options::NO_TICKET as i64),
    ("OP_NO_TLSv1", options::NO_TLS_V1 as i64),
    ("OP_NO_TLSv1_1", options::NO_TLS_V1_1 as i64),
    ("OP_NO_TLSv1_2", options::NO_TLS_V1_2 as i64),
    ("OP_NO_TLSv1_3", options::NO_TLS_V1_3 as i64),
    ("OP_SINGLE_DH_USE", 0),
    ("OP_SINGLE_ECDH_USE", 0),
    ("PROTOCOL_SSLv23", protocol::TLS as i64),
    ("PROTOCOL_TLS", protocol::TLS as i64),
    ("PROTOCOL_TLS_CLIENT", protocol::TLS_CLIENT as i64),
    ("PROTOCOL_TLS_SERVER", protocol::TLS_SERVER as i64),
    ("PROTOCOL_TLSv1", protocol::TLS_V1 as i64),
    ("PROTOCOL_TLSv1_1", protocol::TLS_V1_1 as i64),
    ("PROTOCOL_TLSv1_2", protocol::TLS_V1_2 as i64),
    ("PROTO_MAXIMUM_SUPPORTED", version::MAXIMUM),
    ("PROTO_MINIMUM_SUPPORTED", version::MINIMUM),
    ("PROTO_SSLv3", version::SSL_V3),
    ("PROTO_TLSv1", version::TLS_V1),
    ("PROTO_TLSv1_1", version::TLS_V1_1),
    ("PROTO_TLSv1_2", version::TLS_V1_2),
    ("PROTO_TLSv1_3", version::TLS_V1_3),
    ("SSL_ERROR_SSL", 1),
    ("SSL_ERROR_WANT_READ", 2),
    ("SSL_ERROR_WANT_WRITE", 3),
    ("SSL_ERROR_WANT_X509_LOOKUP", 4),
    ("SSL_ERROR_SYSCALL", 5),
    ("SSL_ERROR_ZERO_RETURN", 6),
    ("SSL_ERROR_WANT_CONNECT", 7),
    ("SSL_ERROR_EOF", 8),
    ("SSL_ERROR_INVALID_ERROR_CODE", 10),
    ("VERIFY_DEFAULT", 0),
    ("VERIFY_CRL_CHECK_LEAF", 4),
    ("VERIFY_CRL_CHECK_CHAIN", 12),
    ("VERIFY_X509_STRICT", 32),
    ("VERIFY_ALLOW_PROXY_CERTS", 64),
    ("VERIFY_X509_TRUSTED_FIRST", VERIFY_TRUSTED_FIRST as i64),
    ("VERIFY_X509_PARTIAL_CHAIN", 0x8_0000),
];

/// What there is.
pub const FEATURES: &[(&str, bool)] = &[
    ("HAS_SNI", true),
    ("HAS_ECDH", true),
    ("HAS_ALPN", true),
    ("HAS_TLS_UNIQUE", true),
    ("HAS_TLSv1_2", true),
    ("HAS_TLSv1_3", true),
    ("HAS_NPN", false),
    ("HAS_SSLv2", false),
    ("HAS_SSLv3", false),
    ("HAS_TLSv1", false),
    ("HAS_TLSv1_1", false),
    ("HAS_PSK", false),
    ("HAS_PHA", false),
];

/// The alerts: number, name in `ALERT_DESCRIPTION_*` (empty when the module has none), what receiving it is called.
pub const ALERTS: &[(u8, &str, &str)] = &[
    (0, "CLOSE_NOTIFY", "CLOSE_NOTIFY"),
    (10, "UNEXPECTED_MESSAGE", "SSLV3_ALERT_UNEXPECTED_MESSAGE"),
    (20, "BAD_RECORD_MAC", "SSLV3_ALERT_BAD_RECORD_MAC"),
    (21, "", "TLSV1_ALERT_DECRYPTION_FAILED"),
    (22, "RECORD_OVERFLOW", "TLSV1_ALERT_RECORD_OVERFLOW"),
    (30, "DECOMPRESSION_FAILURE", "SSLV3_ALERT_DECOMPRESSION_FAILURE"),
    (40, "HANDSHAKE_FAILURE", "SSLV3_ALERT_HANDSHAKE_FAILURE"),
    (41, "", "SSLV3_ALERT_NO_CERTIFICATE"),
    (42, "BAD_CERTIFICATE", "SSLV3_ALERT_BAD_CERTIFICATE"),
    (43, "UNSUPPORTED_CERTIFICATE", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
    (44, "CERTIFICATE_REVOKED", "SSLV3_ALERT_CERTIFICATE_REVOKED"),
    (45, "CERTIFICATE_EXPIRED", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
    (46, "CERTIFICATE_UNKNOWN", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"),
    (47, "ILLEGAL_PARAMETER", "SSLV3_ALERT_ILLEGAL_PARAMETER"),
    (48, "UNKNOWN_CA", "TLSV1_ALERT_UNKNOWN_CA"),
    (49, "ACCESS_DENIED", "TLSV1_ALERT_ACCESS_DENIED"),
    (50, "DECODE_ERROR", "TLSV1_ALERT_DECODE_ERROR"),
    (51, "DECRYPT_ERROR", "TLSV1_ALERT_DECRYPT_ERROR"),
    (60, "", "TLSV1_ALERT_EXPORT_RESTRICTION"),
    (70, "PROTOCOL_VERSION", "TLSV1_ALERT_PROTOCOL_VERSION"),
    (71, "INSUFFICIENT_SECURITY", "TLSV1_ALERT_INSUFFICIENT_SECURITY"),
    (80, "INTERNAL_ERROR", "TLSV1_ALERT_INTERNAL_ERROR"),
    (86, "", "TLSV1_ALERT_INAPPROPRIATE_FALLBACK"),
    (90, "USER_CANCELLED", "TLSV1_ALERT_USER_CANCELLED"),
    (100, "NO_RENEGOTIATION", "TLSV1_ALERT_NO_RENEGOTIATION"),
    (109, "", "TLSV13_ALERT_MISSING_EXTENSION"),
    (110, "UNSUPPORTED_EXTENSION", "TLSV1_UNSUPPORTED_EXTENSION"),
    (111, "CERTIFICATE_UNOBTAINABLE", "TLSV1_CERTIFICATE_UNOBTAINABLE"),
    (112, "UNRECOGNIZED_NAME", "TLSV1_UNRECOGNIZED_NAME"),
    (113, "BAD_CERTIFICATE_STATUS_RESPONSE", "TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE"),
    (114, "BAD_CERTIFICATE_HASH_VALUE", "TLSV1_BAD_CERTIFICATE_HASH_VALUE"),
    (115, "UNKNOWN_PSK_IDENTITY", "TLSV1_ALERT_UNKNOWN_PSK_IDENTITY"),
    (116, "", "TLSV13_ALERT_CERTIFICATE_REQUIRED"),
    (120, "", "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"),
];
