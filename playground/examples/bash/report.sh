# Takes arguments and writes a file, which comes back.
echo "fruit,count" >report.csv
for argument; do
  echo "${argument%%=*},${argument#*=}" >>report.csv
  ((total += ${argument#*=}))
done
echo "$# kinds of fruit, $total pieces; see report.csv"
