//! The schemas of the standard library's types: what Go type each of them is.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::num::{NonZero, Saturating, Wrapping};
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};

use super::{Builder, Gob, Ref, Schema, SchemaSlot};

macro_rules! scalars {
    ($($method:ident: $($ty:ty),*;)*) => {$($(
        impl Gob for $ty {
            fn describe(types: &mut Builder) -> Ref {
                types.$method()
            }

            #[inline]
            fn schema() -> &'static Schema {
                static SCHEMA: SchemaSlot = SchemaSlot::new();
                SCHEMA.of::<Self>()
            }
        }
    )*)*};
}

scalars! {
    bool: bool;
    int: i8, i16, i32, i64, isize, char;
    uint: u8, u16, u32, u64, usize;
    float: f32, f64;
    string: str, String;
    int: NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<isize>;
    uint: NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<usize>;
}

macro_rules! same_as_inner {
    ($($ty:ident),*) => {$(
        impl<T: Gob + ?Sized> Gob for $ty<T> {
            fn describe(types: &mut Builder) -> Ref {
                types.of::<T>()
            }

            fn schema() -> &'static Schema {
                T::schema()
            }
        }
    )*};
}

same_as_inner!(Box, Rc, Arc, RefCell, Mutex, RwLock);

macro_rules! same_as_sized_inner {
    ($($ty:ident),*) => {$(
        impl<T: Gob> Gob for $ty<T> {
            fn describe(types: &mut Builder) -> Ref {
                types.of::<T>()
            }

            fn schema() -> &'static Schema {
                T::schema()
            }
        }
    )*};
}

same_as_sized_inner!(Wrapping, Saturating, Cell);

impl<T: Gob + ?Sized> Gob for &T {
    fn describe(types: &mut Builder) -> Ref {
        types.of::<T>()
    }

    fn schema() -> &'static Schema {
        T::schema()
    }
}

impl<T: Gob + ?Sized> Gob for &mut T {
    fn describe(types: &mut Builder) -> Ref {
        types.of::<T>()
    }

    fn schema() -> &'static Schema {
        T::schema()
    }
}

impl<T: Gob + ToOwned + ?Sized> Gob for Cow<'_, T> {
    fn describe(types: &mut Builder) -> Ref {
        types.of::<T>()
    }

    fn schema() -> &'static Schema {
        T::schema()
    }
}

impl<T: Gob> Gob for Option<T> {
    fn describe(types: &mut Builder) -> Ref {
        let inner = types.of::<T>();
        types.option(inner)
    }
}

/// A list: bytes where the elements are `u8`, as for Go's `[]byte`.
fn list<T: Gob>(types: &mut Builder) -> Ref {
    if typeid::of::<T>() == typeid::of::<u8>() {
        return types.bytes();
    }
    let elem = types.of::<T>();
    types.slice(elem)
}

impl<T: Gob> Gob for [T] {
    fn describe(types: &mut Builder) -> Ref {
        list::<T>(types)
    }
}

macro_rules! lists {
    ($($ty:ident),*) => {$(
        impl<T: Gob> Gob for $ty<T> {
            fn describe(types: &mut Builder) -> Ref {
                list::<T>(types)
            }
        }
    )*};
}

lists!(Vec, VecDeque, LinkedList, BinaryHeap, BTreeSet);

impl<T: Gob, S> Gob for HashSet<T, S> {
    fn describe(types: &mut Builder) -> Ref {
        list::<T>(types)
    }
}

impl<T: Gob, const N: usize> Gob for [T; N] {
    fn describe(types: &mut Builder) -> Ref {
        let elem = types.of::<T>();
        types.array(elem, N)
    }
}

fn map<K: Gob, V: Gob>(types: &mut Builder) -> Ref {
    let key = types.of::<K>();
    let value = types.of::<V>();
    types.map(key, value)
}

impl<K: Gob, V: Gob, S> Gob for HashMap<K, V, S> {
    fn describe(types: &mut Builder) -> Ref {
        map::<K, V>(types)
    }
}

impl<K: Gob, V: Gob> Gob for BTreeMap<K, V> {
    fn describe(types: &mut Builder) -> Ref {
        map::<K, V>(types)
    }
}

impl Gob for () {
    fn describe(types: &mut Builder) -> Ref {
        types.structure("", [])
    }
}

impl<T: ?Sized> Gob for PhantomData<T> {
    fn describe(types: &mut Builder) -> Ref {
        types.structure("", [])
    }
}

/// Go has no tuples: a tuple is a struct whose fields are called F0, F1, …
macro_rules! tuples {
    ($(($($ty:ident $name:literal),+))*) => {$(
        impl<$($ty: Gob),+> Gob for ($($ty,)+) {
            fn describe(types: &mut Builder) -> Ref {
                let fields = [$(($name, $name, types.of::<$ty>())),+];
                types.structure("", fields)
            }
        }
    )*};
}

tuples! {
    (A "F0")
    (A "F0", B "F1")
    (A "F0", B "F1", C "F2")
    (A "F0", B "F1", C "F2", D "F3")
    (A "F0", B "F1", C "F2", D "F3", E "F4")
    (A "F0", B "F1", C "F2", D "F3", E "F4", F "F5")
    (A "F0", B "F1", C "F2", D "F3", E "F4", F "F5", G "F6")
    (A "F0", B "F1", C "F2", D "F3", E "F4", F "F5", G "F6", H "F7")
}
