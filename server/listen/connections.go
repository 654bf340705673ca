package listen

// MaxConnections returns how many connections one listener accepts at once:
// files for the store, the cache and the other listener must be left. Further
// clients wait in the queue of the kernel.
func MaxConnections() int {
	const most, reserve = 16384, 64
	files, ok := FileLimit()
	if !ok {
		return most
	}
	return int(min(most, max(16, (files-min(reserve, files))*2/5)))
}
