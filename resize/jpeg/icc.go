package jpeg

// maxProfile bounds a colour profile, in bytes.
const maxProfile = 4 << 20

const iccMark = "ICC_PROFILE\x00"

// An iccParts collects the segments of a colour profile (ICC.1:2010 section
// B.4): each has its number, from 1, and how many there are.
type iccParts struct {
	parts [][]byte // by number-1
	have  int
	size  int
	bad   bool
}

// add takes the payload of an APP2 segment, which need not be of a profile.
func (c *iccParts) add(p []byte) {
	n := len(iccMark)
	if len(p) < n+2 || string(p[:n]) != iccMark || c.bad {
		return
	}
	number, count, data := int(p[n]), int(p[n+1]), p[n+2:]
	if c.parts == nil && count > 0 {
		c.parts = make([][]byte, count)
	}
	c.size += len(data)
	if number == 0 || number > count || count != len(c.parts) || c.parts[number-1] != nil || c.size > maxProfile {
		*c = iccParts{bad: true}
		return
	}
	c.parts[number-1] = append([]byte{}, data...)
	c.have++
}

// profile returns the whole profile, or nil.
func (c *iccParts) profile() []byte {
	if c.have == 0 || c.have != len(c.parts) || c.size == 0 {
		return nil
	}
	if len(c.parts) == 1 {
		return c.parts[0]
	}
	b := make([]byte, 0, c.size)
	for _, p := range c.parts {
		b = append(b, p...)
	}
	return b
}
