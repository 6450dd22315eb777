package wgrpc

import (
	"go/token"
	"reflect"
)

var errorType = reflect.TypeOf((*error)(nil)).Elem()

// service is a registered struct with its methods of the form
// func (r Receiver) Method(args A, reply *R) error.
type service struct {
	name     string
	receiver reflect.Value
	methods  map[string]*method
}

type method struct {
	call      reflect.Value
	argType   reflect.Type
	replyType reflect.Type // a pointer
}

func newService(receiver interface{}) *service {
	value := reflect.ValueOf(receiver)
	s := &service{
		name:     reflect.Indirect(value).Type().Name(),
		receiver: value,
		methods:  make(map[string]*method),
	}
	for i := 0; i < value.NumMethod(); i++ {
		call := value.Method(i)
		t := call.Type()
		if t.NumIn() != 2 || t.NumOut() != 1 || t.Out(0) != errorType ||
			t.In(1).Kind() != reflect.Ptr ||
			!isExportedOrBuiltin(t.In(0)) || !isExportedOrBuiltin(t.In(1)) {
			continue
		}
		s.methods[value.Type().Method(i).Name] = &method{call, t.In(0), t.In(1)}
	}
	return s
}

func isExportedOrBuiltin(t reflect.Type) bool {
	return token.IsExported(t.Name()) || t.PkgPath() == ""
}

// newArg returns a pointer to decode into and the argument that the pointer leads to.
func (m *method) newArg() (target interface{}, arg reflect.Value) {
	if m.argType.Kind() == reflect.Ptr {
		arg = reflect.New(m.argType.Elem())
		return arg.Interface(), arg
	}
	pointer := reflect.New(m.argType)
	return pointer.Interface(), pointer.Elem()
}

// newReply returns a pointer to a reply whose map or slice is empty rather than nil.
func (m *method) newReply() reflect.Value {
	reply := reflect.New(m.replyType.Elem())
	switch m.replyType.Elem().Kind() {
	case reflect.Map:
		reply.Elem().Set(reflect.MakeMap(m.replyType.Elem()))
	case reflect.Slice:
		reply.Elem().Set(reflect.MakeSlice(m.replyType.Elem(), 0, 0))
	}
	return reply
}

func (m *method) invoke(arg, reply reflect.Value) error {
	if err, failed := m.call.Call([]reflect.Value{arg, reply})[0].Interface().(error); failed {
		return err
	}
	return nil
}
