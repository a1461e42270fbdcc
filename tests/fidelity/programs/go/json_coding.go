// Pins: encoding/json: tags, sorted map keys, escapes, custom marshalers, errors with offsets.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

type state int

func (s state) MarshalText() ([]byte, error) { return []byte(fmt.Sprintf("state-%d", int(s))), nil }

type item struct {
	ID    int               `json:"id"`
	Name  string            `json:"name,omitempty"`
	Tags  []string          `json:"tags"`
	Attrs map[string]any    `json:"attrs,omitempty"`
	State map[state]float64 `json:"state"`
	When  time.Time         `json:"when"`
	Raw   json.RawMessage   `json:"raw"`
	skip  bool
}

func main() {
	it := item{1, "<é & \u2028>", nil, map[string]any{"z": 1, "a": []byte{1, 2, 255}, "m": nil}, map[state]float64{2: 1e21, 1: 0.1},
		time.Date(2020, 2, 29, 1, 2, 3, 4000, time.UTC), json.RawMessage(`{"k" : [1, 2]}`), true}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	fmt.Println(enc.Encode(it))
	for _, in := range []string{`{"id":"x"}`, `{"id":1,}`, `{"ID":7,"tags":["a"],"other":0}`, `[1,2`, `{"id":1e3}`, `"\ud83d\ude00 \ud800"`, `{"id":1} tail`} {
		var got item
		err := json.Unmarshal([]byte(in), &got)
		fmt.Println(got.ID, got.Tags, err)
	}
	var any interface{}
	dec := json.NewDecoder(strings.NewReader(`{"n":12345678901234567890,"l":[true,null,"\u00e9"]} [2.50]`))
	dec.UseNumber()
	for dec.More() {
		fmt.Println(dec.Decode(&any), any)
	}
	_, err := json.Marshal(make(chan int))
	fmt.Println(err)
}
