package resize_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"s3imageserver/resize"
)

// Resizing without a server: options as those of a URL, within bounds on
// memory and on what a file may hold.
func ExampleResizer_Resize() {
	file, err := os.ReadFile("../testdata/photos/still-life.jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	resizer := resize.Resizer{Budget: resize.NewBudget(resize.BudgetConfig{Bytes: 256 << 20})}
	query := url.Values{"w": {"300"}, "h": {"200"}, "g": {"smart"}, "f": {"webp"}}
	options := resize.ParseOptions(query.Get, resize.DefaultMaxDimension)
	result, err := resizer.Resize(context.Background(), resize.Source{Body: bytes.NewReader(file), Size: int64(len(file))}, options)
	switch {
	case errors.Is(err, resize.ErrBusy):
		fmt.Println("try again later")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(result.Format, result.Size, len(result.Body) < len(file))
	}
	// Output:
	// webp (300,200) true
}

// What a file is, without decoding its pixels.
func ExampleResizer_Inspect() {
	file, err := os.ReadFile("../testdata/photos/logo.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	var resizer resize.Resizer
	details, err := resizer.Inspect(context.Background(), bytes.NewReader(file), int64(len(file)), resize.ParseDetails("size,format"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(details.Format, details.Width, details.Height)
	// Output:
	// png 1024 1024
}
