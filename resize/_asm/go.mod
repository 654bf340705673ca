module s3imageserver/resize/_asm

go 1.26.6

require golang.org/x/arch v0.33.0
