//! When two schemas are the same type.

use std::collections::HashSet;

use super::{Schema, Type};
use crate::types::Shape;

/// Two schemas are equal if they look the same from the root on, names of types included. Ids do
/// not matter, nor does what may stand in interfaces.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        match (self.root(), other.root()) {
            (Some(a), Some(b)) => are_equal(a, b),
            (None, None) => {
                self.is_inferred() == other.is_inferred() && self.0.error == other.0.error
            }
            _ => false,
        }
    }
}

/// Follows both types step by step. Pairs that have been met are not followed again, so recursive
/// types are equal if no difference is found.
fn are_equal(a: Type<'_>, b: Type<'_>) -> bool {
    if std::ptr::eq(a.schema, b.schema) && a.index == b.index {
        return true;
    }
    let mut met = HashSet::new();
    let mut next = vec![(a, b)];
    while let Some((a, b)) = next.pop() {
        if !met.insert((a.index, b.index)) {
            continue;
        }
        if a.name() != b.name() {
            return false;
        }
        let mut compare = |x, y| next.push((a.inner(x), b.inner(y)));
        match (a.shape(), b.shape()) {
            (Shape::Interface(_), Shape::Interface(_)) => {}
            (Shape::Slice(x), Shape::Slice(y)) => compare(*x, *y),
            (Shape::Array(x, m), Shape::Array(y, n)) if m == n => compare(*x, *y),
            (Shape::Map(k, x), Shape::Map(l, y)) => {
                compare(*k, *l);
                compare(*x, *y);
            }
            (Shape::Struct(x), Shape::Struct(y)) if x.len() == y.len() => {
                for (x, y) in x.iter().zip(y) {
                    if x.name != y.name {
                        return false;
                    }
                    compare(x.ty, y.ty);
                }
            }
            (Shape::Opaque(x), Shape::Opaque(y)) if x == y => {}
            (x, y) if x.builtin().is_some() && x.builtin() == y.builtin() => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::{Builder, Gob, Ref, Schema};

    struct Loop;
    impl Gob for Loop {
        fn describe(types: &mut Builder) -> Ref {
            let next = types.of::<Vec<Self>>();
            types.structure("Loop", [("Next", "next", next)])
        }
    }

    /// The same, unrolled once.
    struct Unrolled;
    impl Gob for Unrolled {
        fn describe(types: &mut Builder) -> Ref {
            let next = types.of::<Vec<Loop>>();
            types.structure("Loop", [("Next", "next", next)])
        }
    }

    #[test]
    fn types_are_equal_that_look_the_same_all_the_way() {
        assert_eq!(Schema::of::<Loop>(), Schema::of::<Unrolled>());
        assert_eq!(Schema::of::<(i8, i64)>(), Schema::of::<(i32, i32)>());
        assert_ne!(Schema::of::<(i8, u64)>(), Schema::of::<(i32, i32)>());
        assert_ne!(Schema::of::<[i64; 2]>(), Schema::of::<[i64; 3]>());
        assert_ne!(Schema::of::<Vec<Loop>>(), Schema::of::<Loop>());
    }
}
