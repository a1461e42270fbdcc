(exit 300); echo $?
(exit -1); echo $?
f() { return 77; }; f; echo $?
! true; echo $?
exit 42
