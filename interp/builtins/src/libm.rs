//! The C library's mathematical functions that Rust's standard library does not offer, or offers under other rules.

macro_rules! functions {
    ($($name:ident($($x:ident: $t:ty),*);)*) => {
        mod c {
            unsafe extern "C" { $(pub safe fn $name($($x: $t),*) -> f64;)* }
        }
        $(
            #[doc = concat!("C's `", stringify!($name), "`.")]
            #[inline]
            pub fn $name($($x: $t),*) -> f64 {
                c::$name($($x),*)
            }
        )*
    };
}

functions! {
    ldexp(x: f64, e: i32);
    fmod(x: f64, y: f64); remainder(x: f64, y: f64); nextafter(x: f64, y: f64); pow(x: f64, y: f64); hypot(x: f64, y: f64);
    atan2(y: f64, x: f64); fma(x: f64, y: f64, z: f64);
    erf(x: f64); erfc(x: f64); cbrt(x: f64);
    exp(x: f64); exp2(x: f64); expm1(x: f64); log(x: f64); log1p(x: f64); log2(x: f64); log10(x: f64);
    sin(x: f64); cos(x: f64); tan(x: f64); asin(x: f64); acos(x: f64); atan(x: f64);
    sinh(x: f64); cosh(x: f64); tanh(x: f64); asinh(x: f64); acosh(x: f64); atanh(x: f64);
}
