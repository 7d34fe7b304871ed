import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { expect, it } from "@effect/vitest"
import { parse } from "yaml"
import * as Metrics from "../../src/adapters/http/Metrics.ts"
import { RequestDurations } from "../../src/adapters/http/RequestDurations.ts"
import { layer as memoryJournal } from "../../src/adapters/memory/Journal.ts"
import { EngineStats } from "../../src/domain/EngineStats.ts"
import { Readiness } from "../../src/domain/Readiness.ts"
import { RoomRegistry } from "../../src/domain/RoomRegistry.ts"
import { repository } from "../support/ComposeFile.ts"
import { familiesOf } from "../support/PrometheusText.ts"

const text = (file: string): string => readFileSync(join(repository, "elk_stack/prometheus", file), "utf8")

const services = Layer.merge(RoomRegistry.layer(), RequestDurations.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(memoryJournal, EngineStats.layer, Readiness.layer))
)

it.effect("Grafana's dashboard and the alert rules ask for nothing that /metrics does not have", () =>
  Effect.gen(function* () {
    const families = new Set(familiesOf(yield* yield* Metrics.make).map(({ name }) => name))
    const dashboard = JSON.parse(text("grafana/dashboards/parley.json")) as {
      readonly panels: ReadonlyArray<{ readonly targets: ReadonlyArray<{ readonly expr: string }> }>
    }
    const alerts = parse(text("alerts.yml")) as {
      readonly groups: ReadonlyArray<{ readonly rules: ReadonlyArray<{ readonly expr: string }> }>
    }
    const expressions = [
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
    ]
    expect(expressions.length).toBeGreaterThan(20)
    for (const expression of expressions) {
      for (const [name] of expression.matchAll(/\b(?:parley|http|process|nodejs)_\w+/g)) {
        expect(families, name).toContain(name.replace(/_(bucket|sum|count)$/, ""))
      }
    }
    const uid = (parse(text("grafana/provisioning/datasources/prometheus.yaml")) as { datasources: [{ uid: string }] })
      .datasources[0].uid
    expect(text("grafana/dashboards/parley.json")).toContain(`"uid": "${uid}"`)
    expect(parse(text("prometheus.yml"))).toMatchObject({ rule_files: ["alerts.yml"] })
  }).pipe(Effect.scoped, Effect.provide(services))
)
