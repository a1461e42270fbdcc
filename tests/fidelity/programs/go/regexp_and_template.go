// Pins: regexp matching and text/template with functions, ranges, nesting and an execution error.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"text/template"
)

func main() {
	re := regexp.MustCompile(`(?m)^(?P<key>\w+)\s*[=:]\s*(?P<val>.*?)\s*$`)
	in := "host = example.org \n port:8080\nport:8080\nбез = x\nempty="
	for _, m := range re.FindAllStringSubmatchIndex(in, -1) {
		fmt.Printf("%v %q\n", m, in[m[0]:m[1]])
	}
	fmt.Println(re.SubexpNames(), re.ReplaceAllString("a=b", "${val}<-$key"), regexp.QuoteMeta("a.b*c"))
	_, err := regexp.Compile(`a(b`)
	fmt.Println(err)
	fmt.Printf("%q\n", regexp.MustCompile(`[^\p{L}]+`).Split("один, two;drei", -1))
	t := template.Must(template.New("t").Funcs(template.FuncMap{"up": strings.ToUpper}).Parse(
		`{{define "row"}}- {{.Name | up | printf "%-6s"}}{{if gt .Qty 1}} x{{.Qty}}{{else}} single{{end}}
{{end}}{{range $i, $e := .Items}}{{$i}}{{template "row" $e}}{{else}}none{{end}}{{with .Map}}{{range $k, $v := .}}{{$k}}={{$v}} {{end}}{{end}}
{{- len .Items}} {{html "<a&b>"}} {{index .Map "b"}} {{eq 1 1}}
`))
	type row struct {
		Name string
		Qty  int
	}
	data := map[string]any{"Items": []row{{"tea", 1}, {"milk", 3}}, "Map": map[string]int{"b": 2, "a": 1}}
	fmt.Println(t.Execute(os.Stdout, data))
	bad := template.Must(template.New("bad").Parse("start {{.Items.Nope}} end\n"))
	fmt.Println()
	fmt.Println(bad.Execute(os.Stdout, data))
}
