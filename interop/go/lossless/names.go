package lossless

import (
	"encoding/gob"
	"fmt"
	"reflect"
)

// names remembers under what name a type is registered, which gob does not tell.
var names = make(map[reflect.Type]string)

// RegisterName registers a type with gob for use in interfaces.
func RegisterName(name string, value interface{}) {
	gob.RegisterName(name, value)
	names[base(reflect.TypeOf(value))] = name
}

// NameOf returns the name that gob sends for a type in an interface.
func NameOf(t reflect.Type) string {
	t = base(t)
	if name, ok := names[t]; ok {
		return name
	}
	// Gob itself registers the basic types and slices of them under Go's spelling.
	element := t
	if t.Kind() == reflect.Slice && t.Name() == "" {
		element = t.Elem()
	}
	if element.PkgPath() == "" && element.Name() != "" {
		return t.String()
	}
	panic(fmt.Sprintf("%s is not registered", t))
}

func base(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Ptr {
		t = t.Elem()
	}
	return t
}
