//! What special methods gave that make numbers and texts of objects, checked.

use cape_heap::{Ptr, Value};

use crate::class::full_name;
use crate::exc::Res;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::vm::Vm;

impl Vm {
    /// What `__int__`, `__index__`... gave, which must be an int: of exact type, after a DeprecationWarning where it is of a subclass.
    #[inline(never)]
    pub fn checked_int(&self, r: Value, method: &str) -> Res<Value> {
        if !is_int(r) {
            return Err(
                self.type_error(format!("{method} returned non-int (type {})", type_of(r).name_str()))
            );
        }
        if type_of(r) == rt().types.int {
            return Ok(r);
        }
        self.warn_of_subclass(&format!("{method} returned non-int (type {})", type_of(r).name_str()), "int")?;
        Ok(Int::of(r).map_or(r, Int::into_value))
    }

    /// What the `__float__` of an object of class `t` gave, which must be a float; as above.
    #[inline(never)]
    pub fn checked_float(&self, t: Ptr<TypeObj>, r: Value) -> Res<f64> {
        let text =
            || format!("{}.__float__ returned non-float (type {})", full_name(t), full_name(type_of(r)));
        let Some(value) = crate::object_float(r) else { return Err(self.type_error(text())) };
        if type_of(r) != rt().types.float {
            self.warn_of_subclass(&text(), "float")?;
        }
        Ok(value)
    }

    /// What `__str__` or `__repr__` gave, which must be a str, or of a class derived from it.
    #[inline]
    pub fn checked_str(&self, r: Value, method: &str) -> Res<Ptr<StrObj>> {
        r.downcast().ok_or_else(|| {
            self.type_error(format!("{method} returned non-string (type {})", type_of(r).name_str()))
        })
    }

    /// Issues a warning of this category at the line that runs.
    pub fn warn(&self, category: Ptr<TypeObj>, message: &str) -> Res<()> {
        let f = self.import_attr("warnings", "warn")?;
        self.call(f, &[StrObj::new(message).value(), category.value()]).map(drop)
    }

    fn warn_of_subclass(&self, what: &str, class: &str) -> Res<()> {
        let text = format!(
            "{what}.  The ability to return an instance of a strict subclass of {class} is deprecated, and may be removed in \
             a future version of Python."
        );
        self.warn(rt().types.deprecation_warning, &text)
    }
}
