// Why a process cannot start, in one line for the person who started it: what is wrong and what to do.

export class StartupError extends Error {
  override readonly name = 'StartupError'
}
