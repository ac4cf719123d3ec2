import library from "bn.js";
import plugin from "./plugin.cjs";
export default plugin("bn-js", () => new library("ffffffffffffffffffff", 16).pow(new library(3)).toString(10),
  "1766847064778384329583293116238006523118729285824747586731391121019109375");
