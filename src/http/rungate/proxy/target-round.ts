/** A call's targets in turn, and from the beginning again, without those that it gives up. */
import type { Target } from './target-order.ts'

export class TargetRound {
  private readonly targets: Target[]
  private readonly tried = new Set<Target>()
  private readonly waitedFor = new Set<Target>()
  private at = 0

  constructor(targets: readonly Target[]) {
    this.targets = [...targets]
  }

  next(): Target | undefined {
    if (this.at >= this.targets.length) this.at = 0
    return this.targets[this.at]
  }

  /** Whether it has failed within this call, and comes again because its turn has. */
  isAgain(target: Target): boolean {
    return this.tried.has(target)
  }

  /** It failed, and may be tried again after the others. */
  pass(target: Target): void {
    this.tried.add(target)
    this.at += 1
  }

  drop(target: Target): void {
    this.targets.splice(this.targets.indexOf(target), 1)
  }

  /** True once for each target: it is waited for, and tried next. */
  mayWaitFor(target: Target): boolean {
    if (this.waitedFor.has(target)) return false
    this.waitedFor.add(target)
    return true
  }
}
