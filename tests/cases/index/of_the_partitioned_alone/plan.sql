-- hazard: add-index:days.days_of
CREATE INDEX "days_of" ON ONLY "public"."days" ("day");
