// Lists the network interfaces; of the answers the loopback's.
package main

import (
	"fmt"
	"net"
)

func main() {
	all, err := net.Interfaces()
	fmt.Println(len(all) > 0, err)
	lo, err := net.InterfaceByName("lo")
	fmt.Println(lo.Index, lo.MTU, lo.Name, lo.Flags&net.FlagLoopback, err)
	addresses, err := lo.Addrs()
	fmt.Println(addresses[0], err)
	_, err = net.InterfaceByName("none")
	fmt.Println(err)
	ifaceless, err := net.InterfaceAddrs()
	fmt.Println(len(ifaceless) > 0, err)
}
