echo start
echo "never closed
echo x
