//! `tupleobject.h`: all of it is in C; twins for the benchmarks go here.
