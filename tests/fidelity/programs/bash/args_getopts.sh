while getopts ':ab:c' option; do
  case $option in
    a) echo "a" ;;
    b) echo "b=$OPTARG" ;;
    :) echo "-$OPTARG needs a value" ;;
    *) echo "unknown -$OPTARG" ;;
  esac
done
shift $((OPTIND - 1))
echo "rest: $*"
