package options

// A Control says how a form lets somebody choose a value.
type Control struct {
	Kind ControlKind `json:"kind"`
	// Min and Max bound a number; a Max of 0 stands for max_dimension. Step is
	// what is worth while between two of them.
	Min  float64 `json:"min,omitempty"`
	Max  float64 `json:"max,omitempty"`
	Step float64 `json:"step,omitempty"`
	// Words are values that have a name. The first one of a choice is what is
	// taken when nothing is given.
	Words []string `json:"words,omitempty"`
	// Free says that other values are possible than Words.
	Free bool `json:"free,omitempty"`
}

// ControlKind is what is chosen.
type ControlKind string

const (
	ControlText   ControlKind = "text"
	ControlNumber ControlKind = "number" // of any size up to Max
	ControlRange  ControlKind = "range"  // a number on a short scale
	ControlSwitch ControlKind = "switch" // true or false
	ControlChoice ControlKind = "choice" // one of Words
	ControlColor  ControlKind = "color"
)

func (p pixels) control() Control     { return Control{Kind: ControlNumber, Min: 1, Step: 1} }
func (k toggle) control() Control     { return Control{Kind: ControlSwitch} }
func (k choice[T]) control() Control  { return Control{Kind: ControlChoice, Words: k.words} }
func (k text) control() Control       { return Control{Kind: ControlText} }
func (k colorValue) control() Control { return Control{Kind: ControlColor} }

func (k decimal) control() Control { return scaleOf(k.min, k.max) }

func (k whole) control() Control {
	if k.max > 1000 {
		return Control{Kind: ControlNumber, Min: float64(k.min), Max: float64(k.max), Step: 1}
	}
	return Control{Kind: ControlRange, Min: float64(k.min), Max: float64(k.max), Step: 1}
}

// control is that of the row, text if it has none.
func (s custom) control() Control {
	if s.form.Kind == "" {
		return Control{Kind: ControlText}
	}
	return s.form
}

// scaleOf returns a range in steps that one can aim at.
func scaleOf(min, max float64) Control {
	c := Control{Kind: ControlRange, Min: min, Max: max, Step: 1}
	switch {
	case max <= 1:
		c.Step = 0.01
	case max <= 20:
		c.Step = 0.1
	}
	return c
}

func choiceOf(words ...string) Control { return Control{Kind: ControlChoice, Words: words} }

// positionChoice is the form of a gravity.
func positionChoice(words []string) Control {
	return Control{Kind: ControlChoice, Words: words, Free: true}
}
