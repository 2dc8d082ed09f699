//! Errors, with Expat's numbers, names and texts.

macro_rules! errors {
    ($($name:ident = $number:literal, $constant:literal, $text:literal;)*) => {
        /// What is wrong with a document, or with how a parser is used.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Error {
            $(#[doc = $text] $name = $number,)*
        }

        impl Error {
            /// All errors, in the order of their numbers.
            pub const ALL: &[Error] = &[$(Error::$name),*];

            /// The name of its constant.
            pub fn constant(self) -> &'static str {
                match self { $(Error::$name => concat!("XML_ERROR_", $constant),)* }
            }

            /// Its text.
            pub fn text(self) -> &'static str {
                match self { $(Error::$name => $text,)* }
            }
        }
    };
}

errors! {
    NoMemory = 1, "NO_MEMORY", "out of memory";
    Syntax = 2, "SYNTAX", "syntax error";
    NoElements = 3, "NO_ELEMENTS", "no element found";
    InvalidToken = 4, "INVALID_TOKEN", "not well-formed (invalid token)";
    UnclosedToken = 5, "UNCLOSED_TOKEN", "unclosed token";
    PartialChar = 6, "PARTIAL_CHAR", "partial character";
    TagMismatch = 7, "TAG_MISMATCH", "mismatched tag";
    DuplicateAttribute = 8, "DUPLICATE_ATTRIBUTE", "duplicate attribute";
    JunkAfterDocElement = 9, "JUNK_AFTER_DOC_ELEMENT", "junk after document element";
    ParamEntityRef = 10, "PARAM_ENTITY_REF", "illegal parameter entity reference";
    UndefinedEntity = 11, "UNDEFINED_ENTITY", "undefined entity";
    RecursiveEntityRef = 12, "RECURSIVE_ENTITY_REF", "recursive entity reference";
    AsyncEntity = 13, "ASYNC_ENTITY", "asynchronous entity";
    BadCharRef = 14, "BAD_CHAR_REF", "reference to invalid character number";
    BinaryEntityRef = 15, "BINARY_ENTITY_REF", "reference to binary entity";
    AttributeExternalEntityRef = 16, "ATTRIBUTE_EXTERNAL_ENTITY_REF", "reference to external entity in attribute";
    MisplacedXmlPi = 17, "MISPLACED_XML_PI", "XML or text declaration not at start of entity";
    UnknownEncoding = 18, "UNKNOWN_ENCODING", "unknown encoding";
    IncorrectEncoding = 19, "INCORRECT_ENCODING", "encoding specified in XML declaration is incorrect";
    UnclosedCdataSection = 20, "UNCLOSED_CDATA_SECTION", "unclosed CDATA section";
    ExternalEntityHandling = 21, "EXTERNAL_ENTITY_HANDLING", "error in processing external entity reference";
    NotStandalone = 22, "NOT_STANDALONE", "document is not standalone";
    UnexpectedState = 23, "UNEXPECTED_STATE", "unexpected parser state - please send a bug report";
    EntityDeclaredInPe = 24, "ENTITY_DECLARED_IN_PE", "entity declared in parameter entity";
    FeatureRequiresXmlDtd = 25, "FEATURE_REQUIRES_XML_DTD", "requested feature requires XML_DTD support in Expat";
    CantChangeFeatureOnceParsing = 26, "CANT_CHANGE_FEATURE_ONCE_PARSING", "cannot change setting once parsing has begun";
    UnboundPrefix = 27, "UNBOUND_PREFIX", "unbound prefix";
    UndeclaringPrefix = 28, "UNDECLARING_PREFIX", "must not undeclare prefix";
    IncompletePe = 29, "INCOMPLETE_PE", "incomplete markup in parameter entity";
    XmlDecl = 30, "XML_DECL", "XML declaration not well-formed";
    TextDecl = 31, "TEXT_DECL", "text declaration not well-formed";
    PublicId = 32, "PUBLICID", "illegal character(s) in public id";
    Suspended = 33, "SUSPENDED", "parser suspended";
    NotSuspended = 34, "NOT_SUSPENDED", "parser not suspended";
    Aborted = 35, "ABORTED", "parsing aborted";
    Finished = 36, "FINISHED", "parsing finished";
    SuspendPe = 37, "SUSPEND_PE", "cannot suspend in external parameter entity";
    ReservedPrefixXml = 38, "RESERVED_PREFIX_XML", "reserved prefix (xml) must not be undeclared or bound to another namespace name";
    ReservedPrefixXmlns = 39, "RESERVED_PREFIX_XMLNS", "reserved prefix (xmlns) must not be declared or undeclared";
    ReservedNamespaceUri = 40, "RESERVED_NAMESPACE_URI", "prefix must not be bound to one of the reserved namespace names";
    InvalidArgument = 41, "INVALID_ARGUMENT", "invalid argument";
    NoBuffer = 42, "NO_BUFFER", "a successful prior call to function XML_GetBuffer is required";
    AmplificationLimitBreach = 43, "AMPLIFICATION_LIMIT_BREACH", "limit on input amplification factor (from DTD and entities) breached";
    NotStarted = 44, "NOT_STARTED", "parser not started";
}
