//! The bytecode of Cape: opcode table, instruction words, code units, their serialized form and their disassembly. No behaviour.

mod code;
mod dis;
mod enums;
mod instr;
mod liveness;
mod location_table;
mod opcodes;
mod positions;
mod serialize;
pub mod varint;
mod verify;

pub use code::{Body, CodeBody, CodeUnit, Const, ExcEntry, Wtf8, flags};
pub use dis::disassemble;
pub use enums::{
    AwaitKind, BinOp, CmpOp, CommonConst, FORMAT_CONV_MASK, FORMAT_HAS_SPEC, FuncAttr, Intrinsic1,
    Intrinsic2, SpecialMethod,
};
pub use instr::Word;
pub use liveness::{Liveness, live_at, touched};
pub use opcodes::{Kind, Op, OpInfo, RESUME, Slot, TABLE_HASH};
pub use positions::{NO_COLUMN, Position, PositionBuilder, PositionTable, Runs, UNITS};
pub use serialize::{
    HEAD, ReadError, deserialize, deserialize_embedded, is_current, serialize, version_hash,
};
pub use verify::verify;
