printf '\x00\xff\xfe\n\r\t\e[1mbold'
printf '\x80\xc3' >&2
