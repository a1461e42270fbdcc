// Package trace records the order of initialisation.
package trace

// Notes in order of arrival.
var Notes []string

// Note records one.
func Note(s string) int {
	Notes = append(Notes, s)
	return len(Notes)
}
