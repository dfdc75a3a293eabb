package pool

// Overdue is what a timer says some seconds after Stop: workers that have not
// left are to be killed.
func (p *Pool) Overdue() { p.send(overdue{}) }
