import { judge } from "./Judge.ts"

await judge("JavaScript")
