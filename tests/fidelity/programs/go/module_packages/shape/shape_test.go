package shape

func init() { panic("test files are not built") }
