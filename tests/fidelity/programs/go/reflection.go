// Pins: reflection over struct tags, methods, kinds, calls and settable fields.
package main

import (
	"fmt"
	"reflect"
	"strings"
)

type inner struct{ Deep bool }
type user struct {
	Name   string `json:"name" check:"required"`
	Age    int    `json:"age,omitempty"`
	secret []byte
	inner
}

func (u user) Greet(other string) string { return u.Name + " greets " + other }
func (u *user) Grow(n int)               { u.Age += n }

func main() {
	u := &user{Name: "Ann", Age: 30}
	t := reflect.TypeOf(*u)
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		fmt.Println(f.Name, f.Type, f.Type.Kind(), f.Tag.Get("json"), f.Tag.Get("check"), f.IsExported(), f.Anonymous)
	}
	pt := reflect.TypeOf(u)
	for i := 0; i < pt.NumMethod(); i++ {
		fmt.Println(pt.Method(i).Name, pt.Method(i).Type)
	}
	v := reflect.ValueOf(u)
	v.MethodByName("Grow").Call([]reflect.Value{reflect.ValueOf(12)})
	fmt.Println(v.MethodByName("Greet").Call([]reflect.Value{reflect.ValueOf("Bob")})[0], u.Age)
	v.Elem().FieldByName("Name").SetString("Eve")
	fmt.Println(u.Name, v.Elem().FieldByName("secret").CanSet())
	f := reflect.MakeFunc(reflect.TypeOf(strings.ToUpper), func(a []reflect.Value) []reflect.Value {
		return []reflect.Value{reflect.ValueOf("<" + a[0].String() + ">")}
	})
	fmt.Println(f.Interface().(func(string) string)("made"))
	fmt.Println(reflect.DeepEqual(map[string][]int{"a": {1}}, map[string][]int{"a": {1}}))
	defer func() { fmt.Println("recovered:", recover()) }()
	reflect.ValueOf(*u).Field(0).SetString("x")
}
