package corpus

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
)

// WriteFiles writes everything as JSON lines into the directory. Type ids count up as long as a
// process lives, so it must come before any other use of gob in the process.
func WriteFiles(directory string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	conversations, err := Conversations()
	if err != nil {
		return err
	}
	c := Build()
	files := []error{
		writeLines(filepath.Join(directory, "conversations.jsonl"), conversations),
		writeLines(filepath.Join(directory, "gob.jsonl"), c.Vectors),
		writeLines(filepath.Join(directory, "accepted.jsonl"), c.Accepted()),
		writeLines(filepath.Join(directory, "hostile.jsonl"), HostileStreams()),
	}
	for _, err := range files {
		if err != nil {
			return err
		}
	}
	return nil
}

func writeLines[T any](path string, lines []T) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // leaves the lossless texts as they are
	for _, line := range lines {
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
