echo "Hello from a sealed sandbox!"
echo "Bash $BASH_VERSION"
