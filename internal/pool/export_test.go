package pool

// Overdue is what a timer says some seconds after Stop: workers that have not
// left are to be killed.
func (p *Pool) Overdue() { p.send(overdue{}) }

// NothingLeft says that nothing of what finished tasks have left lives on: what
// has no name of its own is a killed worker's again.
func NothingLeft() {
	family.mu.Lock()
	defer family.mu.Unlock()
	family.others = false
}
