// Pins: a program that prints nothing and leaves with 0 stays silent.
package main

func main() {}
