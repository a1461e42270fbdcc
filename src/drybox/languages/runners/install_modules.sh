# Unpacks an environment's modules, and compiles their packages ahead: ARCHIVES FOLDER PLACE CACHE,
# and the go command's variables. The folder is at the place later. Nothing of a module runs.
in=$1 out=$2 place=$3 std=$4
shift 4
export "$@"
export GOPROXY="file://$in/proxy" GOFLAGS="$GOFLAGS -mod=mod -modcacherw" XDG_CONFIG_HOME=off
work=$out.work
mkdir -p "$out/mod/cache/download" "$work" "$GOCACHE" &&
    cp "$in/go.mod" "$in/go.sum" "$in/go.edits" "$out" && cp "$in/go.mod" "$in/go.sum" "$work" &&
    cd "$work" || exit

set --
while read -r module; do set -- "$@" "$module"; done <"$in/modules"
[ $# = 0 ] || go mod download "$@" || exit
# Those that only say what else is required, for programs whose own requirements need them.
cp -R "$in/proxy/." "$out/mod/cache/download" || exit
find "$out/mod/cache" -name '*.lock' -exec rm -f {} +
rm -rf "$out/mod/cache/lock"

# A cache that has the standard library: what is no link in the end is the environment's.
for folder in "$std"/??; do
    mkdir "$GOCACHE/${folder##*/}" && ln -s "$folder"/* "$GOCACHE/${folder##*/}" || exit
done
set --
while read -r pattern; do set -- "$@" "$pattern"; done <"$in/asked"
kept='{{if not (or .Error .DepsErrors)}}{{if ne .Name "main"}}{{.ImportPath}}{{end}}{{end}}'
set -- $(go list -e -f "$kept" "$@")
# What does not compile is the program's to hear of, should it import that.
[ $# = 0 ] || go build "$@" || true
for folder in "$GOCACHE"/??; do
    to=$out/cache/${folder##*/}
    for file in "$folder"/*-a "$folder"/*-d; do
        [ -f "$file" ] && [ ! -h "$file" ] || continue
        mkdir -p "$to" || exit
        case $file in
        *-d) cp "$file" "$to" || exit ;;
        *)
            # When it was written is told, which is another time in every build.
            read -r format action output size time <"$file"
            printf '%s %s %s %20d %20d\n' "$format" "$action" "$output" "$size" 0 \
                >"$to/${file##*/}" || exit
            ;;
        esac
    done
done

# Of what was named, what is a program becomes a command.
named=$(cat "$in/commands")
[ -z "$named" ] || named=$(go list -e -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' $named)
[ -z "$named" ] || { mkdir "$out/bin" && go build -ldflags='-s -w' -o "$out/bin/" $named; } || exit

# How plain programs are built without the go command, with these packages beside the standard
# library's. Those that only a module itself may import are for the linker alone.
[ $# -gt 0 ] && [ -r "$std/direct/commands" ] || exit 0
mkdir "$out/direct" && cp "$std/direct/compile.cfg" "$std/direct/link.cfg" "$out/direct" || exit
built='{{if and .Export (not .Standard)}}{{.ImportPath}} {{.Export}}{{end}}'
go list -e -deps -export -f "$built" "$@" | while read -r path file; do
    line="packagefile $path=$place/cache/${file#"$GOCACHE/"}"
    printf '%s\n' "$line" >>"$out/direct/link.cfg"
    case /$path/ in
    */internal/*) ;;
    *) printf '%s\n' "$line" >>"$out/direct/compile.cfg" ;;
    esac
done
while IFS= read -r line; do
    for name in compile.cfg link.cfg; do
        case $line in
        *"$std/direct/$name"*)
            line=${line%%"$std/direct/$name"*}$place/direct/$name${line#*"$std/direct/$name"} ;;
        esac
    done
    printf '%s\n' "$line"
done <"$std/direct/commands" >"$out/direct/commands"
