# Unpacks an environment's modules, and compiles their packages ahead: ARCHIVES FOLDER CACHE, and
# the go command's variables. Nothing of a module runs.
in=$1 out=$2 std=$3
shift 3
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
