# Bash's kernel: one shell that is kept, in a session's sandbox. kernels/base.py has the words.
#
#   bash bash_kernel.sh
#
# It needs no other program. Code is sourced, with the channel closed meanwhile: Bash itself keeps
# that, where neither code nor what it starts finds it. What is sourced is the file "bash" beside
# this one, by that name alone: with it Bash begins its errors.

if [[ -z ${__drybox_sink-} ]]; then
exec 250<&3 251>&4 3<&- 4>&-
__drybox_sink=$(readlink /proc/$$/fd/251)
__drybox_folder=${BASH_SOURCE[0]%/*} BASH_ARGV0=bash
__drybox_count=0 __drybox_id='' __drybox_runs='' __drybox_flags='' __drybox_status=0 __drybox_was_interrupted='' __drybox_document=''

# The text of a field of the request, into REPLY.
__drybox_field() {
    local rest text code
    REPLY=''
    [[ $__drybox_document =~ \"$1\"\ *:\ *\" ]] || return 0
    rest=${__drybox_document#*"${BASH_REMATCH[0]}"}
    rest=${rest//\\\\/$'\1'}
    rest=${rest//\\\"/$'\2'}
    text=${rest%%\"*}
    while [[ $text =~ \\u([dD][89aAbB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2}) ]]; do
        builtin printf -v code '\\U%08x' \
            $((0x10000 + ((0x${BASH_REMATCH[1]} & 0x3ff) << 10) + (0x${BASH_REMATCH[2]} & 0x3ff)))
        text=${text/"${BASH_REMATCH[0]}"/$code}
    done
    text=${text//$'\2'/\"}
    text=${text//$'\1'/\\\\}
    builtin printf -v REPLY %b. "$text"
    REPLY=${REPLY%.}
}

# Variables of the session's owner.
__drybox_setup() {
    local rest=${__drybox_document#*\"env\"} name
    while [[ $rest =~ \"([A-Za-z_][A-Za-z0-9_]*)\"\ *:\ *\" ]]; do
        name=${BASH_REMATCH[1]}
        __drybox_document="\"$name\": \"${rest#*"${BASH_REMATCH[0]}"}"
        __drybox_field "$name"
        builtin export "$name=$REPLY"
        # what follows the value
        rest=${__drybox_document#*\": \"}
        rest=${rest//\\\\/$'\1'}
        rest=${rest//\\\"/$'\2'}
        rest=${rest#*\"}
        rest=${rest//$'\2'/\\\"}
        rest=${rest//$'\1'/\\\\}
    done
}

__drybox_end() { # STATUS, [MORE]
    local name=ExitStatus value=$1
    [[ -n $__drybox_id ]] || return 0
    if [[ -n $__drybox_was_interrupted ]]; then
        name=Interrupted value='the code was interrupted'
    fi
    if [[ $name != ExitStatus || $1 != 0 ]]; then
        builtin printf '{"type": "error", "id": "%s", "name": "%s", "value": "%s", "traceback": ""}\n' \
            "$__drybox_id" "$name" "$value"
    fi
    builtin printf '{"type": "done", "id": "%s", "execution_count": %d%s}\n' \
        "$__drybox_id" "$__drybox_count" "${2-}"
    __drybox_id=''
}

# SIGINT: what is being sourced returns at its next command, from however deep it is. What the kernel
# itself does before and after is done to its end.
__drybox_interrupt() {
    [[ -n $__drybox_id ]] || return 0
    __drybox_was_interrupted=1
    [[ -n $__drybox_runs ]] || return 0
    set -T
    shopt -s extdebug
    trap '__drybox_unwind' DEBUG
}

__drybox_unwind() {
    # its own, and the kernel's
    ((${#BASH_SOURCE[@]} > __drybox_depth + 1)) && return 2
    return 0
}

# The shell ends; what it keeps of the channel has another number while code is being sourced.
__drybox_leave() {
    local status=$? fd
    { set +euxvfC; } 2>/dev/null
    trap - DEBUG EXIT
    for fd in /proc/$$/fd/*; do
        if [[ $(readlink "$fd") == "$__drybox_sink" ]]; then
            __drybox_end "$status" ', "ending": true' >"$fd"
            break
        fi
    done
}

shopt -s expand_aliases
trap __drybox_interrupt INT
trap __drybox_leave EXIT
builtin printf '{"type": "ready"}\n' >&251
fi

# What code before has left in $?.
__drybox_last() { return "$__drybox_status"; }

# Goes to where the file "bash" can be named so, into REPLY; its own path is its name where that
# would not come back to this folder, or no file is looked for here.
__drybox_go() {
    REPLY=$__drybox_folder/bash __drybox_place='' __drybox_path=''
    [[ -o posix || ! ${PWD-} -ef . ]] && return
    __drybox_place=$PWD __drybox_old=${OLDPWD-} __drybox_had_old=${OLDPWD+1}
    if builtin cd -L -- "$__drybox_folder" && [[ . -ef $__drybox_folder ]]; then
        shopt -q sourcepath && __drybox_path=1
        shopt -u sourcepath
        REPLY=bash
    else
        __drybox_return
    fi
}

# Comes back; the first that what is sourced does.
__drybox_return() {
    [[ -z $__drybox_path ]] || shopt -s sourcepath
    [[ -n $__drybox_place ]] || return 0
    builtin cd -L -- "$__drybox_place"
    if [[ -n $__drybox_had_old ]]; then OLDPWD=$__drybox_old; else unset OLDPWD; fi
    __drybox_place='' __drybox_path=''
}

__drybox_depth=${#BASH_SOURCE[@]} __drybox_over='' # "break" and "continue" of code are the loop's
while
    { __drybox_left=$? __drybox_now=${-//[!euxvfC]/}; set +euxvfC; } 2>/dev/null
    __drybox_runs=''
    if [[ -n $__drybox_id ]]; then
        __drybox_status=$__drybox_left __drybox_flags=$__drybox_now
        trap - DEBUG
        shopt -u extdebug
        set +T
        { __drybox_return; } 2>/dev/null # where an interrupt came before it
        __drybox_end "$__drybox_status" >&251
        trap __drybox_interrupt INT
    fi
    IFS= builtin read -r -u 250 __drybox_document || { __drybox_over=1; false; }
do
    case $__drybox_document in
    *'"type": "run"'* | *'"type":"run"'*) ;;
    *'"type": "setup"'* | *'"type":"setup"'*)
        __drybox_setup
        continue
        ;;
    *'"type": "complete"'* | *'"type":"complete"'*)
        __drybox_field id
        builtin printf '{"type": "completions", "id": "%s", "matches": [], "start": 0, "end": 0}\n' \
            "$REPLY" >&251
        continue
        ;;
    *) continue ;;
    esac
    ((__drybox_count += 1))
    __drybox_was_interrupted='' __drybox_has_input='' __drybox_input=''
    if [[ $__drybox_document =~ \"stdin\"\ *:\ *\" ]]; then
        __drybox_field stdin
        __drybox_has_input=1 __drybox_input=$REPLY
    fi
    __drybox_field code
    __drybox_code=$REPLY
    __drybox_field id
    __drybox_id=$REPLY
    __drybox_document=''
    __drybox_begin=${__drybox_flags:+"{ set -$__drybox_flags; } 2>/dev/null; "}
    { __drybox_go; } 2>/dev/null
    __drybox_runs=1
    if [[ -n $__drybox_was_interrupted ]]; then # before it begins
        { [[ -z $__drybox_flags ]] || set "-$__drybox_flags"; } 2>/dev/null
    elif [[ -n $__drybox_has_input ]]; then
        . "$REPLY" 250<&- 251>&- < <(exec 250<&- 251>&-; builtin printf %s "$__drybox_input")
    else
        . "$REPLY" 250<&- 251>&-
    fi
done
[[ -n $__drybox_over ]] || . "${BASH_SOURCE[0]}"
