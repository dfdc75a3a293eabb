package pool_test

const supervisorArg = "__supervisor"

func littleSupervisor(args []string) int { return 0 }
